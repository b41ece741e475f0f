"""What the treasury's pages read: who is owed what, and what became of each campaign's money."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.accounts.models import Organisation
from octo.database import reading
from octo.errors import N_, NotFoundError
from octo.paging import Window, narrowed
from octo.search import matching
from payments.accounting import chart
from payments.accounting.cover import cover_of
from payments.ledger.balances import balances_of
from payments.ledger.models import LedgerEntry, LedgerTransaction
from payments.models import (
    Discrepancy,
    Dispute,
    Document,
    Freeze,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Settlement,
    SettlementKind,
    Transfer,
)

Condition = sa.ColumnElement[bool]


class CampaignFilter(StrEnum):
    """How a treasurer sorts campaigns: by what is still to be done with their money."""

    RUNNING = "running"
    SETTLING = "settling"
    SETTLED = "settled"
    TROUBLED = "troubled"


_FILTERS: Final[dict[CampaignFilter, Condition]] = {
    CampaignFilter.RUNNING: Campaign.status.in_(
        (
            CampaignStatus.LIVE,
            CampaignStatus.SUSPENDED,
            CampaignStatus.CLOSING,
            CampaignStatus.COLLECTING,
        )
    ),
    CampaignFilter.SETTLING: Campaign.status == CampaignStatus.SETTLING,
    CampaignFilter.SETTLED: Campaign.status == CampaignStatus.SETTLED,
    CampaignFilter.TROUBLED: sa.or_(
        Freeze.holds(Campaign.id),
        sa.exists().where(Refund.campaign_id == Campaign.id, Refund.owed()),
    ),
}


@dataclass(frozen=True)
class Position:
    """Where the platform's money stands, in minor units; liabilities as positive amounts.

    ``cover`` is the Stripe balance less all that others are owed of it.
    """

    stripe_balance: int
    operator_float: int
    funds_held: int
    tips_held: int
    owner_payable: int
    refunds_owed: int
    platform_fees: int
    vat_collected: int
    tips_earned: int
    processor_fees: int
    cover: int


@dataclass(frozen=True)
class CampaignMoney:
    """One campaign as the treasurer sees it; amounts in minor units of its currency."""

    campaign: Campaign
    collected_amount: int
    refunded_amount: int
    pending_refunds_count: int
    failed_refunds_count: int
    settlement: Settlement | None
    transfer: Transfer | None
    freeze_reason: str | None


@dataclass(frozen=True)
class LedgerLine:
    """One ledger transaction of a campaign with its entries."""

    transaction: LedgerTransaction
    entries: Sequence[LedgerEntry]


def read_position(currency: str) -> Position:
    """Sum the ledger's accounts by what they mean to the operator."""
    with reading() as session:
        balances = balances_of(session, currency)

    def total(code: str) -> int:
        return sum(
            balance
            for account, balance in balances.items()
            if account == code or account.startswith(f"{code}:")
        )

    return Position(
        stripe_balance=total(chart.STRIPE_BALANCE),
        operator_float=-total(chart.OPERATOR_FLOAT),
        funds_held=-total("campaign_funds"),
        tips_held=-total("tips_held"),
        owner_payable=-total("owner_payable"),
        refunds_owed=-total("refunds_owed"),
        platform_fees=-total(chart.PLATFORM_FEES),
        vat_collected=-total(chart.VAT_COLLECTED),
        tips_earned=-total(chart.TIPS),
        processor_fees=total(chart.PROCESSOR_FEES),
        cover=cover_of(balances, currency).amount,
    )


def list_campaign_money(
    *, words: str = "", filter_by: CampaignFilter | None = None, window: Window | None = None
) -> list[CampaignMoney]:
    """List every campaign that has had a deadline, the latest first, with what is owed.

    ``words`` are looked for in titles and owners; ``filter_by`` keeps the campaigns so placed.
    """
    launched = (
        sa.select(Campaign)
        .join(Campaign.organisation)
        .options(contains_eager(Campaign.organisation))
        .where(
            Campaign.launched_at.is_not(None), *matching(words, Campaign.title, Organisation.name)
        )
        .order_by(Campaign.deadline_at.desc(), Campaign.id)
    )
    if filter_by is not None:
        launched = launched.where(_FILTERS[filter_by])
    with reading() as session:
        return _money_of(session, session.scalars(narrowed(launched, window)).all())


def get_campaign_money(campaign_id: str) -> CampaignMoney:
    """Return one campaign's money by public id; raises ``NotFoundError``."""
    launched = (
        sa.select(Campaign)
        .where(Campaign.public_id == campaign_id, Campaign.launched_at.is_not(None))
        .options(joinedload(Campaign.organisation))
    )
    with reading() as session:
        found = _money_of(session, session.scalars(launched).all())
    if not found:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found[0]


def list_ledger(campaign_id: int, *, window: Window) -> list[LedgerLine]:
    """List what was posted for a campaign, the newest first."""
    posted = (
        sa.select(LedgerTransaction)
        .where(LedgerTransaction.campaign_id == campaign_id)
        .order_by(LedgerTransaction.id.desc())
    )
    with reading() as session:
        transactions = session.scalars(window.of(posted)).all()
        entries = session.scalars(
            sa.select(LedgerEntry)
            .where(LedgerEntry.transaction_id.in_([one.id for one in transactions]))
            .order_by(LedgerEntry.transaction_id, LedgerEntry.position)
        ).all()
    return [
        LedgerLine(one, [entry for entry in entries if entry.transaction_id == one.id])
        for one in transactions
    ]


def list_payments(campaign_id: int, *, window: Window) -> Sequence[Payment]:
    """List the successful payments of a campaign, the latest first."""
    statement = (
        sa.select(Payment)
        .where(Payment.campaign_id == campaign_id, Payment.status == PaymentStatus.SUCCEEDED)
        .options(joinedload(Payment.pledge).joinedload(Pledge.reward))
        .order_by(Payment.charged_at.desc(), Payment.id.desc())
    )
    with reading() as session:
        return session.scalars(window.of(statement)).all()


def list_troubled_refunds(*, window: Window | None = None) -> Sequence[Refund]:
    """List the refunds that failed and that nothing was done about: their money is owed."""
    statement = (
        sa.select(Refund)
        .where(Refund.owed())
        .options(joinedload(Refund.payment), joinedload(Refund.campaign))
        .order_by(Refund.id.desc())
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def list_disputes(*, window: Window | None = None) -> Sequence[Dispute]:
    """List the disputes, the newest first."""
    statement = (
        sa.select(Dispute)
        .options(joinedload(Dispute.payment).joinedload(Payment.campaign))
        .order_by(Dispute.id.desc())
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def list_discrepancies(*, window: Window | None = None) -> Sequence[Discrepancy]:
    """List what differs between Stripe and the ledger and is not explained."""
    statement = _discrepancies().where(Discrepancy.opened())
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def list_explained() -> Sequence[Discrepancy]:
    """List what still differs and a person has explained, the latest first."""
    is_explained = Discrepancy.explained_at.is_not(None)
    with reading() as session:
        return session.scalars(
            _discrepancies().where(Discrepancy.resolved_at.is_(None), is_explained)
        ).all()


def get_discrepancy(kind: str, subject: str) -> Discrepancy:
    """Return one difference, gone or not; raises ``NotFoundError``."""
    with reading() as session:
        found = session.scalars(
            _discrepancies().where(Discrepancy.kind == kind, Discrepancy.subject == subject)
        ).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def _discrepancies() -> sa.Select[Discrepancy]:
    return (
        sa.select(Discrepancy)
        .options(joinedload(Discrepancy.campaign))
        .order_by(Discrepancy.id.desc())
    )


def get_settlement(number: str) -> tuple[Settlement, Transfer | None]:
    """Return a settlement document by its number, with what pays it; raises ``NotFoundError``."""
    with reading() as session:
        document = session.scalars(
            sa.select(Settlement)
            .join(Settlement.document)
            .where(Document.number == number)
            .options(joinedload(Settlement.campaign).joinedload(Campaign.organisation))
        ).one_or_none()
        if document is None:
            raise NotFoundError(N_("No settlement document has this number."))
        transfer = session.scalars(
            sa.select(Transfer)
            .where(Transfer.settlement_id == document.id)
            .order_by(Transfer.number.desc())
            .limit(1)
        ).one_or_none()
    return document, transfer


def list_settlements(*, window: Window | None = None) -> Sequence[Settlement]:
    """List the settlement documents, the latest first."""
    statement = (
        sa.select(Settlement)
        .options(joinedload(Settlement.campaign))
        .order_by(Settlement.id.desc())
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def _money_of(session: Session, campaigns: Sequence[Campaign]) -> list[CampaignMoney]:
    ids = [campaign.id for campaign in campaigns]

    def totals(
        owner: InstrumentedAttribute[int], what: sa.ColumnElement[int], *where: Condition
    ) -> dict[int, int]:
        statement = sa.select(owner, what).where(owner.in_(ids), *where).group_by(owner)
        return {campaign_id: int(total) for campaign_id, total in session.execute(statement)}

    paid = Payment.amount + Payment.tip_amount
    collected = totals(
        Payment.campaign_id, sa.func.sum(paid), Payment.status == PaymentStatus.SUCCEEDED
    )
    refunded = totals(
        Refund.campaign_id, sa.func.sum(Refund.amount), Refund.status == RefundStatus.SUCCEEDED
    )
    pending = totals(Refund.campaign_id, sa.func.count(), Refund.status == RefundStatus.PENDING)
    failed = totals(Refund.campaign_id, sa.func.count(), Refund.owed())
    mains = sa.select(Settlement).where(
        Settlement.campaign_id.in_(ids), Settlement.kind == SettlementKind.MAIN
    )
    settlements = {one.campaign_id: one for one in session.scalars(mains)}
    latest = sa.select(Transfer).where(Transfer.campaign_id.in_(ids)).order_by(Transfer.id)
    transfers = {one.campaign_id: one for one in session.scalars(latest)}
    frozen = sa.select(Freeze).where(Freeze.campaign_id.in_(ids), Freeze.opened())
    reasons = {one.campaign_id: one.reason for one in session.scalars(frozen)}
    return [
        CampaignMoney(
            campaign=campaign,
            collected_amount=collected.get(campaign.id, 0),
            refunded_amount=refunded.get(campaign.id, 0),
            pending_refunds_count=pending.get(campaign.id, 0),
            failed_refunds_count=failed.get(campaign.id, 0),
            settlement=settlements.get(campaign.id),
            transfer=transfers.get(campaign.id),
            freeze_reason=reasons.get(campaign.id),
        )
        for campaign in campaigns
    ]
