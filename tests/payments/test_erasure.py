"""A backer who leaves is nowhere in what the money side holds, and the books are as they were."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, Collection, Pledge
from octo.accounts.models import User
from octo.database import Base, db, transaction
from payments.accounting.check import check_ledger
from stripe_sandbox.client import VISA, SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.visitor import Visitor, refresh

REFUND_FAILS_LATER: Final = "4000000000005126"
NAME: Final = "Maïwenn Kerbrat"
LAST_FOUR: Final = r"(?<![\w.-])4242(?![\w-])"

pytestmark = pytest.mark.dates


def text_of(row: Iterable[object]) -> str:
    """Return what a row says in letters: an instant has any digits, by chance."""
    return " ".join(repr(value) for value in row if not isinstance(value, datetime | int))


def tables_that_say(*patterns: str) -> set[str]:
    """Name the tables in which any of these patterns is found."""
    db.session.rollback()
    return {
        table.name
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(sa.select(table))
        if any(re.search(pattern, text_of(row)) for pattern in patterns)
    }


@pytest.mark.parametrize(
    ("row", "is_said"),
    [
        (("4242",), True),
        (('{"last4":"4242","brand":"visa"}',), True),
        (({"card": {"last4": "4242"}},), True),
        (("Visa •••• 4242.",), True),
        ((datetime(2026, 11, 24, 1, 2, 3, 4242, tzinfo=UTC), 4242), False),
        (("2026-11-24T01:02:03.424217+00:00", "2026-11-24T01:02:03.004242+00:00"), False),
        (("plg_a4242f", "0f1e4242", "9d3c-4242-b1", "_4242-"), False),
    ],
)
def test_digits_of_a_card_are_told_from_digits_by_chance(
    row: tuple[object, ...], is_said: bool
) -> None:
    assert bool(re.search(LAST_FOUR, text_of(row))) is is_said


def pledge_as(user: User, make: Make, campaign: Campaign, card: str = VISA) -> None:
    """Pledge with an account; its address goes wherever a guest's would."""
    pledge = make.pending_pledge(campaign, 60_00)
    with transaction() as session:
        theirs = sa.update(Pledge).where(Pledge.id == pledge.id)
        session.execute(theirs.values(user_id=user.id, name=user.name, email=user.email))
    make.moment.sandbox.pay(make.open_checkout(pledge), card=card)
    make.refresh(pledge)


def erase(client: Visitor) -> int:
    return client.submit("/account/erase", {"password": PASSWORD}, form="/erase").status_code


@pytest.mark.fault("F34")
def test_nothing_says_whose_card_it_was(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    user = make.user(NAME)
    for collection in (Collection.ON_SUCCESS, Collection.ON_PLEDGE):
        campaign = make.live_campaign(goal=5_000_00, days=20, collection=collection)
        pledge_as(user, make, campaign)
    email = user.email
    client.sign_in(email, PASSWORD)
    moment.advance(days=21)
    make.work()
    moment.advance(days=1)
    make.work()
    assert tables_that_say(LAST_FOUR) == {"saved_card", "inbox_event"}
    assert tables_that_say(re.escape(email)) >= {"attempt", "pledge", "inbox_event"}

    assert erase(client) == HTTPStatus.OK

    assert tables_that_say(LAST_FOUR, re.escape(email), NAME) == set()
    assert check_ledger(db.session()).faults == ()


def test_a_backer_who_is_owed_money_stays_reachable(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    user = make.user(NAME)
    campaign = make.live_campaign(goal=5_000_00, days=20)
    pledge_as(user, make, campaign, REFUND_FAILS_LATER)
    client.sign_in(user.email, PASSWORD)
    for days in (21, 3):
        moment.advance(days=days)
        make.work()

    assert erase(client) == HTTPStatus.CONFLICT

    refresh()
    assert db.session.get_one(User, user.id).erased_at is None
