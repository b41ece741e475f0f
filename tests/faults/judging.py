"""The judge of a fault's end: every rule of conservation, the books, and how it all came out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, Reward
from octo.database import db, reading
from payments.models import Payment
from stripe_sandbox.client import SandboxClient
from tests.machine.conservation import Ours, Theirs, find_breaches
from tests.obligations import check_books
from tests.visitor import refresh


def check_conserved(sandbox: SandboxClient) -> None:
    """Hold every row and every object of Stripe's against the rules, and the books to the cent."""
    refresh()
    with db.engine.connect() as connection:
        breaches = find_breaches(Ours.read(connection), Theirs.read(sandbox))
    assert breaches == []
    check_books(sandbox)


def check_given_back_once(sandbox: SandboxClient, campaign: Campaign) -> None:
    """See a campaign settled as failed, and each of its charges given back whole and once."""
    ended(campaign, Outcome.FAILED)
    charges = sandbox.every("/v1/charges", transfer_group=campaign.public_id)
    given_back = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert {one["id"]: given_back[one["id"]] for one in charges} == {
        one["id"]: 1 for one in charges
    }
    assert all(one["amount_refunded"] == one["amount"] for one in charges)


def check_charged_once(sandbox: SandboxClient) -> None:
    """See that each charge is of one payment of ours, and that no pledge was charged twice."""
    refresh()
    charges = {one["id"] for one in sandbox.every("/v1/charges") if one["paid"]}
    paid = db.session.execute(
        sa.select(Payment.stripe_charge_id, Payment.pledge_id).where(
            Payment.stripe_charge_id.is_not(None)
        )
    ).all()
    assert Counter(one.stripe_charge_id for one in paid) == Counter(charges)
    assert max(Counter(one.pledge_id for one in paid).values()) == 1


def check_not_oversold(campaign: Campaign) -> None:
    """See that pledges hold all that was taken of each reward, and no more than there is."""
    refresh()
    for reward in db.session.scalars(sa.select(Reward).filter_by(campaign_id=campaign.id)):
        held = sa.select(sa.func.count()).where(Pledge.reward_id == reward.id, Pledge.holds_reward)
        assert reward.stock is not None
        assert db.session.scalar(held) == reward.taken_count <= reward.stock


@contextmanager
def no_circle() -> Iterator[None]:
    """See that PostgreSQL meets no transactions that wait for each other in a circle."""
    before = _count_circles()
    yield
    assert _count_circles() == before


def _count_circles() -> int:
    """Count those of this database, which other tests have used before."""
    met = sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with reading() as session:
        return int(session.scalars(met).one())


def ended(campaign: Campaign, outcome: Outcome) -> None:
    """See a campaign settled with this outcome."""
    refresh()
    seen = db.session.get_one(Campaign, campaign.id)
    assert (seen.status, seen.outcome) == (CampaignStatus.SETTLED, outcome)


def is_over(*campaigns: Campaign) -> bool:
    """Tell whether these campaigns are settled, as another process left them."""
    left = sa.select(Campaign.id).where(
        Campaign.id.in_([one.id for one in campaigns]), Campaign.status != CampaignStatus.SETTLED
    )
    with reading() as session:
        return session.scalar(left.limit(1)) is None


def asked(sandbox: SandboxClient, path: str) -> int:
    """Count the calls that were made to change something at Stripe."""
    return len(keys_of(sandbox, path))


def keys_of(sandbox: SandboxClient, path: str) -> list[str]:
    """Give the keys of the calls that were made to change something at Stripe, in order."""
    return [
        one["idempotency_key"]
        for one in sandbox.requests()
        if (one["method"], one["path"]) == ("POST", path)
    ]
