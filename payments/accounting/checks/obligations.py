"""Rules for what happens after the verdict: owners, disputes, and what backers are still owed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.models import Campaign
from octo.accounts.models import Organisation
from payments.ledger.balances import sides
from payments.ledger.faults import Fault
from payments.ledger.integrity import recompute
from payments.ledger.models import LedgerTransaction
from payments.models import (
    Dispute,
    OwnerDebt,
    Payment,
    Refund,
    RefundStatus,
    Resolution,
    Settlement,
    SettlementKind,
    Transfer,
    TransferStatus,
)


def check_owners(session: Session) -> Iterator[Fault]:
    """Have the documents' net, to the cent, with the owner, on its way, or owed back."""
    sign = sa.case((Settlement.kind == SettlementKind.CREDIT_NOTE, -1), else_=1)
    nets = _by_campaign(session, Settlement, sign * Settlement.net_amount)
    kept = _by_campaign(
        session,
        Transfer,
        Transfer.amount - Transfer.reversed_amount,
        Transfer.status.in_((TransferStatus.SUCCEEDED, TransferStatus.REVERSED)),
    )
    unsent = _by_campaign(
        session, Transfer, Transfer.amount, Transfer.status == TransferStatus.PENDING
    )
    owed = _by_campaign(session, OwnerDebt, OwnerDebt.left_amount)
    written_off = _by_campaign(session, OwnerDebt, OwnerDebt.written_off_amount)
    payable = recompute(session)
    debts = _debts_booked(session)
    for campaign in session.execute(sa.select(Campaign.id, Campaign.public_id, Campaign.currency)):
        one = campaign.id
        paid = kept[one] + unsent[one] - owed[one] - written_off[one]
        if nets[one] != paid:
            what = f"documents come to {nets[one]}, transfers and debts to {paid}"
            yield Fault("owners", campaign.public_id, what, one)
        booked = -payable.get((f"owner_payable:{campaign.public_id}", campaign.currency), 0)
        if booked != unsent[one]:
            what = f"is due {booked}, transfers not sent come to {unsent[one]}"
            yield Fault("owners", campaign.public_id, what, one)
        if debts[one] != owed[one]:
            what = f"owes {owed[one]}, booked as {debts[one]}"
            yield Fault("owners", campaign.public_id, what, one)


def check_disputes(session: Session) -> Iterator[Fault]:
    """Hold as disputed what banks have withdrawn and not yet been given for good."""
    held = _by_campaign(session, Dispute, Dispute.withdrawn_amount, ~_is_booked_as_lost())
    yield from _compare(session, "disputes", "disputed", held, sign=1)


def check_owed(session: Session) -> Iterator[Fault]:
    """Owe backers their late money and the refunds that failed, until they have them."""
    has_left = _is_posted("refund:", Refund.public_id)
    is_failed = Refund.status == RefundStatus.FAILED
    is_by_bank = Refund.resolution == Resolution.PAID_BY_BANK
    came_back = sa.or_(~has_left, _is_posted("refund_failed:", Refund.public_id))
    expected = _by_campaign(
        session,
        Payment,
        Payment.amount + Payment.tip_amount,
        Payment.is_late,
        _is_posted("charge:", Payment.public_id),
    )
    expected.update(_by_campaign(session, Refund, Refund.amount, is_failed, came_back))
    for gone in (
        _by_campaign(session, Refund, Refund.owed_amount, sa.or_(has_left, is_failed)),
        _by_campaign(session, Refund, Refund.amount, is_by_bank),
        _by_campaign(session, Dispute, Dispute.owed_amount, _is_booked_as_lost()),
    ):
        expected.subtract(gone)
    yield from _compare(session, "owed", "refunds_owed", expected, sign=-1)


def _compare(
    session: Session, rule: str, account: str, expected: Counter[int], *, sign: int
) -> Iterator[Fault]:
    held = recompute(session)
    for campaign in session.execute(sa.select(Campaign.id, Campaign.public_id, Campaign.currency)):
        name = f"{account}:{campaign.public_id}"
        found, wanted = sign * held.get((name, campaign.currency), 0), expected[campaign.id]
        if found != wanted:
            what = f"holds {found}, its rows say {wanted}"
            yield Fault(rule, name, what, campaign.id)


def _by_campaign(
    session: Session, model: Any, amount: sa.ColumnElement[int] | Any, *where: Any
) -> Counter[int]:
    rows = session.execute(
        sa.select(model.campaign_id, sa.func.sum(amount)).where(*where).group_by(model.campaign_id)
    )
    return Counter({campaign_id: int(total) for campaign_id, total in rows})


def _is_posted(
    prefix: str, name: InstrumentedAttribute[str], suffix: str = ""
) -> sa.ColumnElement[bool]:
    reference = sa.literal(prefix) + name + sa.literal(suffix)
    return sa.exists().where(LedgerTransaction.reference == reference)


def _is_booked_as_lost() -> sa.ColumnElement[bool]:
    stripe_id = Dispute.stripe_dispute_id
    is_won_after_all = _is_posted("reversal:dispute_lost:", stripe_id, ":won")
    return sa.and_(_is_posted("dispute_lost:", stripe_id), ~is_won_after_all)


def _debts_booked(session: Session) -> Counter[int]:
    """Add up what each campaign's transactions say its owner owes."""
    side = sa.union_all(*sides()).subquery()
    rows = session.execute(
        sa.select(LedgerTransaction.campaign_id, sa.func.sum(side.c.amount))
        .join(side, side.c.transaction_id == LedgerTransaction.id)
        .join(Campaign, Campaign.id == LedgerTransaction.campaign_id)
        .join(Organisation, Organisation.id == Campaign.organisation_id)
        .where(side.c.account == sa.literal("owner_debt:") + Organisation.public_id)
        .group_by(LedgerTransaction.campaign_id)
    )
    return Counter({campaign_id: int(total) for campaign_id, total in rows})
