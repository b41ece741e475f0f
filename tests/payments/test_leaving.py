"""A backer who leaves is nowhere in what the money side holds, and the books are as they were."""

from http import HTTPStatus
from typing import Final

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


def tables_that_say(*words: str) -> set[str]:
    """Name the tables in which any of these words stands."""
    db.session.rollback()
    return {
        table.name
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(sa.select(table))
        if any(word in repr(tuple(row)) for word in words)
    }


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
    assert tables_that_say("4242") == {"saved_card", "inbox_event"}
    assert tables_that_say(email) >= {"attempt", "pledge", "inbox_event"}

    assert erase(client) == HTTPStatus.OK

    assert tables_that_say("4242", email, NAME) == set()
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
