"""The season is what its file says, and a slip in it is named."""

from collections import Counter
from pathlib import Path

import pytest

from demo.instants import BadInstantError, parse_moment, parse_span
from demo.loading import CAMPAIGNS, SEASON
from demo.season import SeasonError, read_season
from demo.sign_ins import SIGN_INS
from tests.demo.seasons import SMALL

LEFT_FOR_THE_NEWCOMER = {
    "le-triporteur-des-marees",
    "radio-menez",
    "la-laverie-des-bocaux",
    "le-canot-des-plomarch",
    "seconde-vague",
}


def test_the_season_has_what_a_newcomer_is_promised() -> None:
    season = read_season(SEASON, campaigns=CAMPAIGNS)

    settled = [line for line in season.campaigns if line.slug not in LEFT_FOR_THE_NEWCOMER]
    pledges = [pledge for line in settled for pledge in line.pledges]
    cards = Counter(card for pledge in pledges for card in pledge.cards)
    names = "".join(pledge.by for pledge in pledges)
    assert len(settled) == 6
    assert 380 <= len(pledges) <= 420
    assert set(season.cards) == set(cards)
    assert sum(pledge.cancel is not None for pledge in pledges) >= 10
    assert sum(pledge.pays is not None for pledge in pledges) == 2
    assert {"é", "'", "ة", "🐙"} <= set(names)


def test_everybody_who_is_told_to_sign_in_is_of_the_season() -> None:
    season = read_season(SEASON, campaigns=CAMPAIGNS)

    emails = {person.email: person.role for person in season.people.values()}

    assert {(person.email, person.role) for person in SIGN_INS} == {
        (email, role or "backer")
        for email, role in emails.items()
        if email in {person.email for person in SIGN_INS}
    }


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("give: 60,", "gives: 60,", r"campaigns\[0\].pledges\[2\].give"),
        ("give: 60,", "give: 60, colour: red,", r"pledges\[2\].colour"),
        ("give: 60,", "give: 6e1,", r"pledges\[2\].give"),
        ("card: [declined, 3ds]", "card: [declined, gold]", "gold"),
        ("deadline - 3m", "deadline minus 3m", r"pledges\[4\].at"),
        ("owner: nolwenn", "owner: nobody", "nobody"),
        ("radio-menez", "radio-lune", "radio-lune"),
    ],
)
def test_a_slip_in_a_season_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    written = SMALL.read_text().replace(old, new, 1)
    (tmp_path / "season.yaml").write_text(written)

    with pytest.raises(SeasonError, match=named):
        read_season(tmp_path / "season.yaml", campaigns=CAMPAIGNS)


@pytest.mark.parametrize(
    "written", ["", "45", "d", "0d", "-1d", "401d", "1.5d", "٤d", "45 d", "1w"]
)
def test_only_a_plain_span_is_taken(written: str) -> None:
    with pytest.raises(BadInstantError):
        parse_span(written)


@pytest.mark.parametrize("written", ["", "3d", "3d 25:00", "3d 9:00", "deadline", "deadline -1s"])
def test_only_a_plain_moment_is_taken(written: str) -> None:
    with pytest.raises(BadInstantError):
        parse_moment(written)
