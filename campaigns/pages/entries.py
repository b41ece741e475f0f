"""What people typed into forms, read into what services take."""

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from flask import request

from campaigns.drafts.write import CampaignTerms, CampaignText, CostLineDraft, RewardDraft
from campaigns.models import Category, Collection
from octo.content.feature import storage
from octo.content.images import keep_image
from octo.errors import N_, InvalidError
from octo.money import parse_amount

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
Read = TypeVar("Read")
Chosen = TypeVar("Chosen", bound=StrEnum)


class Entries:
    """The fields of the form that was sent.

    A field that cannot be read stands in ``unread`` with its refusal, and is given as something
    harmless: the service that takes the whole refuses it, along with all else that is wrong.
    """

    def __init__(self) -> None:
        self._unread: list[InvalidError] = []

    @property
    def unread(self) -> tuple[InvalidError, ...]:
        """What could not be read so far."""
        return tuple(self._unread)

    def amount(self, field: str, currency: str) -> int:
        """Read an amount of money, in minor units."""
        return self.amount_in(text_of(field), field, currency)

    def amount_in(self, written: str, field: str, currency: str) -> int:
        """Read an amount that was written in one of several fields alike."""
        return self._read(lambda: parse_amount(written, currency, field=field), 0)

    def optional_amount(self, field: str, currency: str) -> int:
        """Read an amount, nothing meaning zero."""
        written = text_of(field).strip()
        if not written:
            return 0
        return self._read(lambda: parse_amount(written, currency, field=field, least=0), 0)

    def whole(self, field: str) -> int:
        """Read a whole number."""
        return self._read(lambda: whole_of(field), 0)

    def optional_whole(self, field: str) -> int | None:
        """Read a whole number, or nothing."""
        return self.whole(field) if text_of(field).strip() else None

    def optional_month(self, field: str) -> date | None:
        """Read a month such as 2027-03, or nothing."""
        return self._read(lambda: optional_month_of(field), None)

    def choice(self, field: str, kind: type[Chosen]) -> Chosen:
        """Read one of the values a form offers."""
        return self._read(lambda: choice_of(field, kind), next(iter(kind)))

    def picture(self, sent: bytes) -> str | None:
        """Keep a picture that was sent, and return its name."""
        return self._read(lambda: keep_image(sent, storage()), None)

    def _read(self, read: Callable[[], Read], instead: Read) -> Read:
        try:
            return read()
        except InvalidError as error:
            self._unread.append(error)
            return instead


def text_of(field: str) -> str:
    """Return what stands in a field, or nothing."""
    return request.form.get(field, "")


def whole_of(field: str) -> int:
    """Read a whole number."""
    written = text_of(field).strip()
    if not _WHOLE.fullmatch(written):
        raise InvalidError(N_("Enter a whole number."), field=field)
    return int(written)


def optional_month_of(field: str) -> date | None:
    """Read a month such as 2027-03, or nothing."""
    written = text_of(field).strip()
    if not written:
        return None
    found = _MONTH.fullmatch(written)
    if found is None or int(found[1]) < 1:
        raise InvalidError(N_("Enter a month such as 2027-03."), field=field)
    return date(int(found[1]), int(found[2]), 1)


def choice_of(field: str, kind: type[Chosen]) -> Chosen:
    """Read one of the values a form offers."""
    try:
        return kind(text_of(field))
    except ValueError as error:
        raise InvalidError(N_("Choose one of the list."), field=field) from error


def read_campaign_text(cover_description: str) -> CampaignText:
    """Read what people will read of a campaign, but for its picture."""
    return CampaignText(
        title=text_of("title"),
        summary=text_of("summary"),
        story=text_of("story"),
        place=text_of("place"),
        cover_description=cover_description,
    )


def read_campaign_terms(currency: str, *, has_collection: bool) -> CampaignTerms:
    """Read what people will pledge on; a draft begins without asking when cards are charged."""
    entries = Entries()
    collection = Collection.ON_PLEDGE
    if has_collection:
        collection = entries.choice("collection", Collection)
    return CampaignTerms(
        category=entries.choice("category", Category),
        goal_amount=entries.amount("goal", currency),
        currency=currency,
        duration_days=entries.whole("duration_days"),
        time_zone=text_of("time_zone"),
        collection=collection,
        unread=entries.unread,
    )


def read_reward(currency: str) -> RewardDraft:
    """Read a reward."""
    entries = Entries()
    is_shipped = "is_shipped" in request.form
    return RewardDraft(
        title=text_of("title"),
        description=text_of("description"),
        minimum_amount=entries.amount("minimum", currency),
        stock=entries.optional_whole("stock"),
        delivery_on=entries.optional_month("delivery"),
        is_shipped=is_shipped,
        shipping_amount=entries.optional_amount("shipping", currency) if is_shipped else 0,
        unread=entries.unread,
    )


def read_cost_lines(currency: str) -> list[CostLineDraft]:
    """Read the rows of the cost table; an empty row is no line."""
    lines = []
    for row, (label, amount) in enumerate(cost_rows_entered()):
        entries = Entries()
        written = entries.amount_in(amount, f"cost_lines-{row}-amount", currency)
        lines.append(CostLineDraft(label, written, unread=entries.unread))
    return lines


def cost_rows_entered() -> list[tuple[str, str]]:
    """Return what stands in the rows of the cost table, without the empty ones."""
    rows = zip(request.form.getlist("label"), request.form.getlist("amount"), strict=False)
    return [(label, amount) for label, amount in rows if label.strip() or amount.strip()]
