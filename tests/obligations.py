"""What a story about money after the verdict looks at: documents, Stripe's own lists, the books."""

from typing import Final

import sqlalchemy as sa

from campaigns.models import Campaign
from octo.accounts.models import Membership, RoleName, User
from octo.database import db
from octo.scheduler import jobs
from payments.accounting.check import check_ledger
from payments.ledger.balances import balances_of
from payments.models import OwnerDebt, Settlement, SettlementKind, Transfer
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.visitor import Visitor, refresh

AVAILABLE_AT_ONCE: Final = "4000000000000077"
DISPUTED: Final = "4000000000000259"
INQUIRY: Final = "4000000000001976"


def again(campaign: Campaign) -> Campaign:
    """Read a campaign anew."""
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def owner_of(campaign: Campaign) -> User:
    """Return who runs a campaign."""
    return db.session.scalars(
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == campaign.organisation_id)
    ).one()


def documents(campaign: Campaign) -> list[tuple[str, int, int]]:
    """Give each document of a campaign, in order: its kind, base and net."""
    rows = db.session.scalars(
        sa.select(Settlement)
        .where(Settlement.campaign_id == campaign.id)
        .order_by(Settlement.id)
        .execution_options(populate_existing=True)
    )
    return [(row.kind.value, row.base_amount, row.net_amount) for row in rows]


def documented_net(campaign: Campaign) -> int:
    """Add up what the documents of a campaign give its owner."""
    credit = SettlementKind.CREDIT_NOTE.value
    return sum(-net if kind == credit else net for kind, _, net in documents(campaign))


def transfers(campaign: Campaign) -> list[tuple[str, int]]:
    """Give each transfer of a campaign: where it stands and its amount."""
    rows = db.session.scalars(
        sa.select(Transfer)
        .where(Transfer.campaign_id == campaign.id)
        .order_by(Transfer.id)
        .execution_options(populate_existing=True)
    )
    return [(row.status.value, row.amount) for row in rows]


def debt_left(campaign: Campaign) -> int:
    """Return what the owner still owes of a campaign."""
    owed = sa.select(OwnerDebt.left_amount).where(OwnerDebt.campaign_id == campaign.id)
    return db.session.scalar(owed) or 0


def balance_of(account: str) -> int:
    """Return a ledger account's balance: debits less credits."""
    return balances_of(db.session(), "EUR").get(account, 0)


def sent_to_owner(sandbox: SandboxClient, campaign: Campaign) -> int:
    """Add up, in Stripe's own list, what the owner of a campaign has of it."""
    listed = sandbox.every("/v1/transfers", transfer_group=campaign.public_id)
    return sum(one["amount"] - one["amount_reversed"] for one in listed)


def refunded(sandbox: SandboxClient) -> list[int]:
    """Give the amounts that Stripe lists as refunded, without those that failed."""
    return sorted(
        one["amount"] for one in sandbox.every("/v1/refunds") if one["status"] != "failed"
    )


def check_books(sandbox: SandboxClient) -> None:
    """Compare the ledger with itself, its documents, and Stripe's balance to the cent."""
    db.session.expire_all()
    assert check_ledger(db.session()).faults == ()
    at_stripe = sandbox.get("/v1/balance")
    held = sum(part["amount"] for kind in ("available", "pending") for part in at_stripe[kind])
    booked = balance_of("stripe_balance")
    assert booked == held, f"the ledger has {booked} at Stripe, Stripe has {held}"


def contest(sandbox: SandboxClient, charge_id: str | None, **more: object) -> str:
    """Have a backer's bank contest a payment and return the dispute's id."""
    opened = sandbox.post(f"/_sandbox/charges/{charge_id}/dispute", **more)
    return str(opened["id"])


def judge(sandbox: SandboxClient, dispute_id: str, verdict: str) -> None:
    """Have the bank judge: ``win``, ``lose``, or ``escalate`` an inquiry."""
    sandbox.post(f"/_sandbox/disputes/{dispute_id}/{verdict}")


def sign_in_as_treasurer(make: Make, client: Visitor) -> None:
    """Sign a treasurer in."""
    treasurer = make.user("Trésorier", roles=(RoleName.TREASURER,))
    client.sign_in(treasurer.email, PASSWORD)


def tick(make: Make, *names: str) -> None:
    """Run these jobs of the worker once each, on books it has just compared, and no other."""
    for name in ("compare_books", *names):
        with make.app.app_context():
            jobs(make.app)[name].run()
    refresh()
