"""The campaign format: a folder with ``campaign.yaml``, its story and its cover.

``docs/campaign-format.md`` describes it. Every scalar is read as text and then checked, and
``write_document`` gives the one canonical writing, so that a file read and written again is
the same, byte for byte.
"""

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from campaigns.drafts.write import CampaignTerms, CampaignText, CostLineDraft, RewardDraft
from campaigns.models import Campaign, Category, Collection
from octo.accounts.models import LegalForm
from octo.errors import N_, InvalidError
from octo.money import decimals_of

FORMAT: Final = "octo-campaign/1"
STORY: Final = "story.md"
WIDTH: Final = 88
LARGEST_DOCUMENT: Final = 256_000
LARGEST_STORY: Final = 400_000
LARGEST_COVER: Final = 8_000_000
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_UNITS: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,3}))?")
Choice = TypeVar("Choice", bound=StrEnum)


class CampaignFileError(InvalidError):
    """The file is not in the format; ``field`` is the place in it."""

    code = "bad_campaign_file"

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}"


@dataclass(frozen=True)
class CampaignFile:
    """A campaign as its folder tells it; amounts in minor units."""

    slug: str
    text: CampaignText
    terms: CampaignTerms
    organisation: str | None
    legal_form: LegalForm
    cover: bytes | None
    cost_lines: tuple[CostLineDraft, ...]
    rewards: tuple[RewardDraft, ...]


class _Loader(yaml.BaseLoader):
    """Reads plain mappings, lists and texts; no anchor, no tag, no key twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        is_plain = getattr(event, "anchor", None) is None and getattr(event, "tag", None) is None
        if isinstance(event, yaml.AliasEvent) or not is_plain:
            raise yaml.MarkedYAMLError(
                problem="anchors and tags are not taken", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"{name} stands twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep)


class _Part:
    """One mapping of the document; a key nobody asked for is refused."""

    def __init__(self, raw: Any, place: str) -> None:
        self.place = place
        if not isinstance(raw, dict):
            raise CampaignFileError(
                N_("A mapping of keys was expected."), field=place or "campaign"
            )
        self._raw: Mapping[str, Any] = raw
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str) -> str:
        self._asked.add(key)
        value = self._raw.get(key)
        if not isinstance(value, str) or not value:
            raise CampaignFileError(
                N_("This key is missing, or is not a text."), field=self.at(key)
            )
        return value

    def number(self, key: str) -> int:
        written = self.text(key)
        if not _NUMBER.fullmatch(written):
            raise CampaignFileError(N_("A whole number was expected."), field=self.at(key))
        return int(written)

    def amount(self, key: str, currency: str) -> int:
        """Read an amount with exactly the currency's decimals."""
        found = _UNITS.fullmatch(self.text(key))
        if found is None or len(found[2] or "") != decimals_of(currency):
            raise CampaignFileError(
                N_("« %(written)s » is not an amount in %(currency)s, such as 12.50."),
                field=self.at(key),
                written=self.text(key),
                currency=currency,
            )
        return int(found[1] + (found[2] or ""))

    def month(self, key: str) -> date:
        found = _MONTH.fullmatch(self.text(key))
        if found is None:
            raise CampaignFileError(N_("A month such as 2027-03 was expected."), field=self.at(key))
        return date(int(found[1]), int(found[2]), 1)

    def choice(self, key: str, choices: type[Choice]) -> Choice:
        try:
            return choices(self.text(key))
        except ValueError as error:
            known = ", ".join(choices)
            raise CampaignFileError(
                N_("One of %(known)s was expected."), field=self.at(key), known=known
            ) from error

    def parts(self, key: str) -> list["_Part"]:
        self._asked.add(key)
        items = self._raw.get(key)
        if not isinstance(items, list):
            raise CampaignFileError(N_("A list was expected."), field=self.at(key))
        return [_Part(item, f"{self.at(key)}[{number}]") for number, item in enumerate(items)]

    def part(self, key: str) -> "_Part":
        self._asked.add(key)
        return _Part(self._raw.get(key), self.at(key))

    def end(self) -> None:
        """Refuse what was not asked for."""
        if unknown := sorted(set(self._raw) - self._asked):
            raise CampaignFileError(
                N_("This key is not part of the format."), field=self.at(unknown[0])
            )


def read_campaign_file(path: Path) -> CampaignFile:
    """Read a campaign and the files beside it, or raise ``CampaignFileError``."""
    raw = _read_bytes(path, most=LARGEST_DOCUMENT, field=path.name)
    try:
        # A BaseLoader makes texts, lists and mappings, and no other object.
        document = yaml.load(raw, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        is_deep = isinstance(error, RecursionError)
        problem = "it is nested too deep" if is_deep else " ".join(str(error).split())
        raise CampaignFileError(
            N_("This is not YAML: %(problem)s"), field=path.name, problem=problem
        ) from error
    top = _Part(document, "")
    if top.text("format") != FORMAT:
        raise CampaignFileError(N_("Must be %(format)s."), field="format", format=FORMAT)
    terms = _read_terms(top)
    cover, cover_description = _read_cover(top, path.parent)
    organisation, legal_form = _read_organisation(top)
    story = _beside(path.parent, top.text("story"), field="story", most=LARGEST_STORY)
    found = CampaignFile(
        slug=top.text("slug"),
        text=CampaignText(
            title=top.text("title"),
            summary=top.text("summary"),
            story=_decoded(story),
            place=top.text("place"),
            cover_description=cover_description,
        ),
        terms=terms,
        organisation=organisation,
        legal_form=legal_form,
        cover=cover,
        cost_lines=tuple(_read_cost_line(part, terms.currency) for part in top.parts("cost_lines")),
        rewards=tuple(_read_reward(part, terms.currency) for part in top.parts("rewards")),
    )
    top.end()
    return found


def write_document(campaign: Campaign, *, cover_file: str | None) -> str:
    """Write ``campaign.yaml`` in its canonical form."""
    currency = campaign.currency
    document: dict[str, Any] = {
        "format": FORMAT,
        "slug": campaign.slug,
        "title": campaign.title,
        "summary": campaign.summary,
        "story": STORY,
    }
    if cover_file is not None:
        document["cover"] = {"file": cover_file, "description": campaign.cover_description}
    document |= {
        "category": campaign.category.value,
        "place": campaign.place,
        "goal": _units(campaign.goal_amount, currency),
        "currency": currency,
        "duration_days": campaign.duration_days,
        "timezone": campaign.time_zone,
        "collection": campaign.collection.value,
        "organisation": {
            "name": campaign.organisation.name,
            "legal_form": campaign.organisation.legal_form.value,
        },
        "cost_lines": [
            {"label": line.label, "amount": _units(line.amount, currency)}
            for line in campaign.cost_lines
        ],
        "rewards": [_reward_document(reward, currency) for reward in campaign.rewards],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=WIDTH)


def _reward_document(reward: Any, currency: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "title": reward.title,
        "description": reward.description,
        "minimum": _units(reward.minimum_amount, currency),
    }
    if reward.stock is not None:
        document["stock"] = reward.stock
    if reward.delivery_on is not None:
        document["delivery"] = f"{reward.delivery_on:%Y-%m}"
    if reward.is_shipped:
        document["shipping"] = _units(reward.shipping_amount, currency)
    return document


def _units(amount: int, currency: str) -> str:
    decimals = decimals_of(currency)
    if decimals == 0:
        return str(amount)
    return f"{amount // 10**decimals}.{amount % 10**decimals:0{decimals}d}"


def _read_terms(top: _Part) -> CampaignTerms:
    currency = top.text("currency")
    try:
        decimals_of(currency)
    except InvalidError as error:
        raise CampaignFileError(error.message, field="currency", **error.params) from error
    return CampaignTerms(
        category=top.choice("category", Category),
        goal_amount=top.amount("goal", currency),
        currency=currency,
        duration_days=top.number("duration_days"),
        time_zone=top.text("timezone"),
        collection=top.choice("collection", Collection),
    )


def _read_cover(top: _Part, folder: Path) -> tuple[bytes | None, str]:
    if "cover" not in top:
        return None, ""
    part = top.part("cover")
    raw = _beside(folder, part.text("file"), field="cover.file", most=LARGEST_COVER)
    description = part.text("description")
    part.end()
    return raw, description


def _read_organisation(top: _Part) -> tuple[str | None, LegalForm]:
    if "organisation" not in top:
        return None, LegalForm.ASSOCIATION
    part = top.part("organisation")
    name, legal_form = part.text("name"), part.choice("legal_form", LegalForm)
    part.end()
    return name, legal_form


def _read_cost_line(part: _Part, currency: str) -> CostLineDraft:
    line = CostLineDraft(label=part.text("label"), amount=part.amount("amount", currency))
    part.end()
    return line


def _read_reward(part: _Part, currency: str) -> RewardDraft:
    is_shipped = "shipping" in part
    reward = RewardDraft(
        title=part.text("title"),
        description=part.text("description"),
        minimum_amount=part.amount("minimum", currency),
        stock=part.number("stock") if "stock" in part else None,
        delivery_on=part.month("delivery") if "delivery" in part else None,
        is_shipped=is_shipped,
        shipping_amount=part.amount("shipping", currency) if is_shipped else 0,
    )
    part.end()
    return reward


def _beside(folder: Path, name: str, *, field: str, most: int) -> bytes:
    if not _FILE_NAME.fullmatch(name):
        raise CampaignFileError(
            N_("The plain name of a file in the same folder was expected."), field=field
        )
    return _read_bytes(folder / name, most=most, field=field)


def _read_bytes(path: Path, *, most: int, field: str) -> bytes:
    """Read a file that lies in the folder itself: a folder from elsewhere may link anywhere."""
    try:
        with open(path, "rb", opener=_open_plain) as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise CampaignFileError(
            N_("%(name)s cannot be read."), field=field, name=path.name
        ) from error
    if len(raw) > most:
        raise CampaignFileError(N_("%(name)s is too large."), field=field, name=path.name)
    return raw


def _open_plain(path: str, flags: int) -> int:
    """Open a plain file without following a link to it, and without waiting for a pipe."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return descriptor


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CampaignFileError(N_("The story is not in UTF-8."), field="story") from error
