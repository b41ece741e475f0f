"""Rules between the ledger and the documents beside it: payments, refunds, settlements."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.models import Campaign
from octo.database import sum_or_zero
from payments.accounting import chart
from payments.ledger import accounts, kinds
from payments.ledger.balances import sides
from payments.ledger.faults import Fault
from payments.ledger.integrity import recompute
from payments.ledger.models import LedgerEntry, LedgerTransaction
from payments.models import (
    DOCUMENT_KINDS,
    Document,
    DocumentSeries,
    LostDocument,
    Payment,
    Refund,
    Settlement,
    SettlementKind,
    Transfer,
    TransferStatus,
)

Amounts = sa.Select[str, int, int]


def check_campaigns(session: Session) -> Iterator[Fault]:
    """Hold for each campaign what came in, less what went back and was settled."""
    held = recompute(session)
    expected = _expected(session)
    campaigns = session.execute(sa.select(Campaign.id, Campaign.public_id, Campaign.currency))
    for campaign_id, public_id, currency in campaigns:
        for name in ("campaign_funds", "tips_held"):
            account = f"{name}:{public_id}"
            found, wanted = -held.get((account, currency), 0), expected.get(account, 0)
            if found != wanted:
                what = f"holds {found}, its documents say {wanted}"
                yield Fault("campaigns", account, what, campaign_id)


def _expected(session: Session) -> Counter[str]:
    """Add up, from payments, refunds and documents, what each campaign should hold."""
    expected: Counter[str] = Counter()
    for amounts in (_charged(), _refunded(), _settled(), _booked_by_themselves()):
        for public_id, funds, tips in session.execute(amounts):
            expected[f"campaign_funds:{public_id}"] += int(funds)
            expected[f"tips_held:{public_id}"] += int(tips)
    return expected


def check_keepers(session: Session) -> Iterator[Fault]:
    """Let no transaction of one campaign touch an account kept for another."""
    side = sa.union_all(*sides()).subquery()
    kept = [kind.name for kind in accounts.iter_kinds() if kind.keeper == chart.CAMPAIGN]
    is_foreign = sa.or_(
        *(
            sa.and_(
                side.c.account.startswith(f"{name}:"),
                side.c.account != sa.literal(f"{name}:") + Campaign.public_id,
            )
            for name in kept
        )
    )
    found = session.execute(
        sa.select(LedgerTransaction.reference, LedgerTransaction.campaign_id, side.c.account)
        .join(side, side.c.transaction_id == LedgerTransaction.id)
        .join(Campaign, Campaign.id == LedgerTransaction.campaign_id)
        .where(is_foreign)
    )
    for reference, campaign_id, account in found:
        yield Fault("keepers", reference, f"touches {account}", campaign_id)


def check_settlements(session: Session) -> Iterator[Fault]:
    """Post every settlement document, and know every number of a series."""
    is_something = sa.or_(Settlement.base_amount != 0, Settlement.tips_amount != 0)
    unposted = session.execute(
        sa.select(Document.number, Settlement.campaign_id)
        .join(Settlement, Settlement.document_id == Document.id)
        .outerjoin(LedgerTransaction, _posted_as("settlement:", Document.number))
        .where(LedgerTransaction.id.is_(None), is_something)
    )
    for number, campaign_id in unposted:
        yield Fault("settlements", number, "is not posted", campaign_id)
    yield from _check_figures(session)
    yield from _check_numbers(session)


def _check_figures(session: Session) -> Iterator[Fault]:
    """Find to each settlement document the figures of its kind, and no other."""
    said = sa.case(DOCUMENT_KINDS, value=Settlement.kind)
    is_settlement = sa.or_(
        Document.kind.in_(set(DOCUMENT_KINDS.values())), Settlement.id.is_not(None)
    )
    found = session.execute(
        sa.select(Document.number, Document.kind, said, Document.campaign_id)
        .outerjoin(Settlement, Settlement.document_id == Document.id)
        .where(is_settlement, Document.kind.is_distinct_from(said))
    )
    for number, kind, figures, campaign_id in found:
        what = f"is a {kind}, and has the figures of {figures or 'none'}"
        yield Fault("settlements", number, what, campaign_id)


def _check_numbers(session: Session) -> Iterator[Fault]:
    """Find no gap in any series: what a restored backup lost has its number too."""
    given: dict[str, list[int]] = defaultdict(list)
    numbers = sa.union_all(sa.select(Document.number), sa.select(LostDocument.number))
    for number in session.scalars(numbers):
        series, _, last = number.rpartition("-")
        given[series].append(int(last))
    for kept in session.scalars(sa.select(DocumentSeries)):
        if sorted(given[kept.name]) != list(range(1, kept.last_number + 1)):
            yield Fault("settlements", kept.name, f"has a gap before {kept.last_number}")


def check_transfers(session: Session) -> Iterator[Fault]:
    """Post every transfer that was made, with the amount that was left of its document."""
    booked = sum_or_zero(LedgerEntry.amount)
    is_sent = Transfer.status.in_((TransferStatus.SUCCEEDED, TransferStatus.REVERSED))
    due = sa.case((is_sent, Transfer.amount), else_=0)
    found = session.execute(
        sa.select(Transfer.public_id, Transfer.campaign_id, Transfer.amount, booked)
        .outerjoin(LedgerTransaction, _posted_as("transfer:", Transfer.public_id))
        .outerjoin(
            LedgerEntry,
            sa.and_(
                LedgerEntry.transaction_id == LedgerTransaction.id,
                LedgerEntry.credit == chart.STRIPE_BALANCE,
            ),
        )
        .group_by(Transfer.public_id, Transfer.campaign_id, Transfer.amount, Transfer.status)
        .having(booked != due)
    )
    for public_id, campaign_id, amount, found_amount in found:
        what = f"has {found_amount} booked, and is of {amount}"
        yield Fault("transfers", public_id, what, campaign_id)


def _charged() -> Amounts:
    return (
        sa.select(Campaign.public_id, sum_or_zero(Payment.amount), sum_or_zero(Payment.tip_amount))
        .join(Payment, Payment.campaign_id == Campaign.id)
        .join(LedgerTransaction, _posted_as("charge:", Payment.public_id))
        .where(~Payment.is_late)
        .group_by(Campaign.public_id)
    )


def _refunded() -> Amounts:
    is_posted = sa.or_(
        _posted_as("refund:", Refund.public_id), _posted_as("refund_never_left:", Refund.public_id)
    )
    return (
        sa.select(
            Campaign.public_id, -sum_or_zero(Refund.funds_amount), -sum_or_zero(Refund.tip_amount)
        )
        .join(Refund, Refund.campaign_id == Campaign.id)
        .join(LedgerTransaction, is_posted)
        .group_by(Campaign.public_id)
    )


def _settled() -> Amounts:
    sign = sa.case((Settlement.kind == SettlementKind.CREDIT_NOTE, 1), else_=-1)
    return (
        sa.select(
            Campaign.public_id,
            sum_or_zero(sign * Settlement.base_amount),
            sum_or_zero(sign * Settlement.tips_amount),
        )
        .join(Settlement, Settlement.campaign_id == Campaign.id)
        .group_by(Campaign.public_id)
    )


def _booked_by_themselves() -> Amounts:
    """Take disputes lost, and corrections, from their entries: they have no other document."""
    alone = [kind.name for kind in kinds.iter_kinds() if kind.without_rows]
    side = sa.union_all(*sides()).subquery()

    def held_in(account: str) -> sa.ColumnElement[int]:
        is_of = side.c.account == sa.literal(f"{account}:") + Campaign.public_id
        return -sum_or_zero(sa.case((is_of, side.c.amount), else_=0))

    return (
        sa.select(Campaign.public_id, held_in("campaign_funds"), held_in("tips_held"))
        .join(LedgerTransaction, LedgerTransaction.campaign_id == Campaign.id)
        .join(side, side.c.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind.in_(alone))
        .group_by(Campaign.public_id)
    )


def _posted_as(prefix: str, name: InstrumentedAttribute[str]) -> sa.ColumnElement[bool]:
    return LedgerTransaction.reference == sa.literal(prefix) + name
