"""Read a season: who is in it, what happens to each campaign, who pledges what and when."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import yaml
from slugify import slugify

from demo.instants import BadInstantError, Moment, parse_moment
from octo.errors import InvalidError, OperatorError
from octo.money import parse_amount

FORMAT: Final = "octo-season/1"
GUESTS_AT: Final = "courriel.example"
VISA: Final = "visa"
T = TypeVar("T")


class SeasonError(OperatorError):
    """The season cannot be read; the text names the place in the file."""

    code = "bad_season"


@dataclass(frozen=True)
class Card:
    """A test card, and what its holder does when 3-D Secure asks."""

    number: str
    three_d_secure: str = "complete"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    key: str
    name: str
    email: str
    role: str | None = None
    language: str = "fr"


@dataclass(frozen=True)
class Step:
    """One act in the life of a campaign; ``by`` is a person's key, or a supporter's name."""

    at: Moment
    do: str
    by: str = ""
    why: str = ""
    say: str = ""
    days: int = 0


@dataclass(frozen=True)
class PledgeLine:
    """One pledge: ``give`` is before shipping, in minor units; cards are tried in order."""

    at: Moment
    by: str
    give: int
    reward: str | None = None
    tip: int = 0
    cards: tuple[str, ...] = (VISA,)
    show: str = "anonymous"
    say: str = ""
    language: str = "fr"
    pays: Moment | None = None
    cancel: Moment | None = None


@dataclass(frozen=True)
class CampaignLine:
    """What happens to one campaign of the season."""

    slug: str
    owner: str
    steps: tuple[Step, ...]
    pledges: tuple[PledgeLine, ...]


@dataclass(frozen=True)
class Season:
    """A whole season, checked."""

    campaigns_folder: Path
    digest: str
    length_days: int
    zone: ZoneInfo
    currency: str
    top_up: int
    cards: Mapping[str, Card]
    addresses: Sequence[Mapping[str, str]]
    people: Mapping[str, Person]
    campaigns: tuple[CampaignLine, ...]

    def campaign_file(self, slug: str) -> Path:
        """Return where the campaign of this name is written."""
        return self.campaigns_folder / slug / "campaign.yaml"

    def find_person(self, name: str) -> Person | None:
        """Return the person of this name who has an account."""
        return next((person for person in self.people.values() if person.name == name), None)


def address_of_guest(name: str) -> str:
    """Return the invented e-mail address of somebody without an account."""
    local = slugify(name)[:40].strip("-")
    return f"{local or hashlib.sha256(name.encode()).hexdigest()[:12]}@{GUESTS_AT}"


def read_season(path: Path, *, campaigns: Path) -> Season:
    """Read a season over the campaigns of a folder; every scalar is read as text.

    Raises ``SeasonError``.
    """
    try:
        raw = path.read_bytes()
        # BaseLoader makes text of every scalar and objects of none.
        document = yaml.load(raw, Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise SeasonError(f"{path}: {error}") from error
    top = Reader(document, "season")
    if top.text("format") != FORMAT:
        raise SeasonError(f"season.format: must be {FORMAT}")
    currency = top.text("currency")
    season = Season(
        campaigns_folder=campaigns,
        digest=hashlib.sha256(raw).hexdigest(),
        length_days=top.number("length_days"),
        zone=ZoneInfo(top.text("timezone")),
        currency=currency,
        top_up=top.amount("top_up", currency),
        cards={name: _card(part) for name, part in top.parts("cards").items()},
        addresses=[part.texts() for part in top.list("addresses")],
        people={part.text("key"): _person(part) for part in top.list("people")},
        campaigns=tuple(_campaign(part, currency) for part in top.list("campaigns")),
    )
    top.refuse_others()
    _check_names(season)
    return season


class Reader:
    """One mapping of the file; every key must be asked for, so that none is silently ignored."""

    def __init__(self, raw: Any, place: str) -> None:
        if not isinstance(raw, dict):
            raise SeasonError(f"{place}: a mapping was expected")
        self._raw = raw
        self._place = place
        self._asked: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str:
        self._asked.add(key)
        value = self._raw.get(key, default)
        if not isinstance(value, str):
            raise SeasonError(f"{self._place}.{key}: a text was expected")
        return value

    def texts(self) -> dict[str, str]:
        return {key: self.text(key) for key in self._raw}

    def number(self, key: str, default: str | None = None) -> int:
        return self._read(key, int, default)

    def amount(self, key: str, currency: str, default: str | None = None) -> int:
        return self._read(key, lambda text: parse_amount(text, currency, least=0), default)

    def moment(self, key: str) -> Moment:
        return self._read(key, parse_moment)

    def find_moment(self, key: str) -> Moment | None:
        return self.moment(key) if key in self._raw else None

    def names(self, key: str, default: str) -> tuple[str, ...]:
        self._asked.add(key)
        value = self._raw.get(key, default)
        return (value,) if isinstance(value, str) else tuple(value)

    def list(self, key: str) -> list["Reader"]:
        self._asked.add(key)
        items = self._raw.get(key) or []
        return [Reader(item, f"{self._place}.{key}[{n}]") for n, item in enumerate(items)]

    def parts(self, key: str) -> dict[str, "Reader"]:
        self._asked.add(key)
        items = self._raw.get(key) or {}
        return {name: Reader(part, f"{self._place}.{key}.{name}") for name, part in items.items()}

    def refuse_others(self) -> None:
        """Refuse keys that nobody asked for."""
        if unknown := sorted(set(self._raw) - self._asked):
            raise SeasonError(f"{self._place}.{unknown[0]}: not a key of a season")

    def _read(self, key: str, parse: Callable[[str], T], default: str | None = None) -> T:
        try:
            return parse(self.text(key, default))
        except (ValueError, BadInstantError, InvalidError) as error:
            raise SeasonError(f"{self._place}.{key}: {error}") from error


def _card(part: Reader) -> Card:
    card = Card(part.text("number"), part.text("three_d_secure", "complete"))
    part.refuse_others()
    return card


def _person(part: Reader) -> Person:
    person = Person(
        key=part.text("key"),
        name=part.text("name"),
        email=part.text("email"),
        role=part.text("role", "") or None,
        language=part.text("language", "fr"),
    )
    part.refuse_others()
    return person


def _campaign(part: Reader, currency: str) -> CampaignLine:
    line = CampaignLine(
        slug=part.text("campaign"),
        owner=part.text("owner"),
        steps=tuple(_step(step) for step in part.list("steps")),
        pledges=tuple(_pledge(pledge, currency) for pledge in part.list("pledges")),
    )
    part.refuse_others()
    return line


def _step(part: Reader) -> Step:
    step = Step(
        at=part.moment("at"),
        do=part.text("do"),
        by=part.text("by", ""),
        why=part.text("why", ""),
        say=part.text("say", ""),
        days=part.number("days", "0"),
    )
    part.refuse_others()
    return step


def _pledge(part: Reader, currency: str) -> PledgeLine:
    line = PledgeLine(
        at=part.moment("at"),
        by=part.text("by"),
        give=part.amount("give", currency),
        reward=part.text("for", "") or None,
        tip=part.amount("tip", currency, "0"),
        cards=part.names("card", VISA),
        show=part.text("show", "anonymous"),
        say=part.text("say", ""),
        language=part.text("lang", "fr"),
        pays=part.find_moment("pays"),
        cancel=part.find_moment("cancel"),
    )
    part.refuse_others()
    return line


def _check_names(season: Season) -> None:
    for campaign in season.campaigns:
        if campaign.owner not in season.people:
            raise SeasonError(f"{campaign.slug}: {campaign.owner} is nobody of the season")
        if not season.campaign_file(campaign.slug).is_file():
            raise SeasonError(f"{campaign.slug}: there is no {season.campaign_file(campaign.slug)}")
        for pledge in campaign.pledges:
            if unknown := set(pledge.cards) - set(season.cards):
                raise SeasonError(f"{campaign.slug}, {pledge.by}: unknown card {unknown.pop()}")
