"""What people typed into forms, read into what services take."""

import re
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from flask import request

from campaigns.models import Category, Collection
from campaigns.services.writing import CampaignTerms, CampaignText, CostLineDraft, RewardDraft
from octo.errors import N_, InvalidError
from octo.money import parse_amount

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
Chosen = TypeVar("Chosen", bound=StrEnum)


def text_of(field: str) -> str:
    """Return what stands in a field, or nothing."""
    return request.form.get(field, "")


def whole_of(field: str) -> int:
    """Read a whole number."""
    written = text_of(field).strip()
    if not _WHOLE.fullmatch(written):
        raise InvalidError(N_("Enter a whole number."), field=field)
    return int(written)


def optional_whole_of(field: str) -> int | None:
    """Read a whole number, or nothing."""
    return whole_of(field) if text_of(field).strip() else None


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


def optional_amount_of(field: str, currency: str) -> int:
    """Read an amount, nothing meaning zero."""
    written = text_of(field).strip()
    return parse_amount(written, currency, field=field, least=0) if written else 0


def read_campaign_text(cover_description: str) -> CampaignText:
    """Read what people will read of a campaign, but for its picture."""
    return CampaignText(
        title=text_of("title"),
        summary=text_of("summary"),
        story=text_of("story"),
        place=text_of("place"),
        cover_description=cover_description,
    )


def read_campaign_terms(
    currency: str, collection: Collection = Collection.ON_PLEDGE
) -> CampaignTerms:
    """Read what people will pledge on."""
    return CampaignTerms(
        category=choice_of("category", Category),
        goal_amount=parse_amount(text_of("goal"), currency, field="goal"),
        currency=currency,
        duration_days=whole_of("duration_days"),
        time_zone=text_of("time_zone"),
        collection=collection,
    )


def read_reward(currency: str) -> RewardDraft:
    """Read a reward."""
    is_shipped = "is_shipped" in request.form
    return RewardDraft(
        title=text_of("title"),
        description=text_of("description"),
        minimum_amount=parse_amount(text_of("minimum"), currency, field="minimum"),
        stock=optional_whole_of("stock"),
        delivery_on=optional_month_of("delivery"),
        is_shipped=is_shipped,
        shipping_amount=optional_amount_of("shipping", currency) if is_shipped else 0,
    )


def read_cost_lines(currency: str) -> list[CostLineDraft]:
    """Read the rows of the cost table; an empty row is no line."""
    labels = request.form.getlist("label")
    amounts = request.form.getlist("amount")
    lines = []
    for row, (label, amount) in enumerate(zip(labels, amounts, strict=False)):
        if not label.strip() and not amount.strip():
            continue
        if not label.strip():
            raise InvalidError(N_("Say what this amount is for."), field=f"cost_lines-{row}-label")
        written = parse_amount(amount, currency, field=f"cost_lines-{row}-amount")
        lines.append(CostLineDraft(label, written))
    return lines
