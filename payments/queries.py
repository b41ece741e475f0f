"""What the treasury's pages read: who is owed what, and what became of each campaign's money."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from campaigns.models import Campaign, Pledge
from octo.database import reading
from octo.errors import N_, NotFoundError
from octo.paging import Window, narrowed
from payments.ledger import chart
from payments.ledger.balances import balances_of
from payments.models import (
    Discrepancy,
    Dispute,
    Freeze,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Settlement,
    SettlementKind,
    Transfer,
)

PER_PAGE: Final = 50
_TROUBLED: Final = (Refund.status == RefundStatus.FAILED, Refund.resolution.is_(None))


@dataclass(frozen=True)
class Position:
    """Where the platform's money stands, in minor units; liabilities as positive amounts."""

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

    @property
    def cover(self) -> int:
        """Return the Stripe balance less all that others are owed of it."""
        owed = self.funds_held + self.tips_held + self.owner_payable + self.refunds_owed
        return self.stripe_balance - owed


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
    )


def list_campaign_money(*, window: Window | None = None) -> list[CampaignMoney]:
    """List every campaign that has had a deadline, the latest first, with what is owed."""
    with reading() as session:
        launched = (
            sa.select(Campaign)
            .where(Campaign.launched_at.is_not(None))
            .options(joinedload(Campaign.organisation))
            .order_by(Campaign.deadline_at.desc(), Campaign.id)
        )
        campaigns = session.scalars(narrowed(launched, window)).all()
        collected = _sums(
            sa.select(Payment.campaign_id, sa.func.sum(Payment.amount + Payment.tip_amount)).where(
                Payment.status == PaymentStatus.SUCCEEDED
            )
        )
        refunded = _refund_sums(RefundStatus.SUCCEEDED, sa.func.sum(Refund.amount))
        pending = _refund_sums(RefundStatus.PENDING, sa.func.count())
        failed = _sums(sa.select(Refund.campaign_id, sa.func.count()).where(*_TROUBLED))
        mains = session.scalars(sa.select(Settlement).where(Settlement.kind == SettlementKind.MAIN))
        settlements = {one.campaign_id: one for one in mains}
        latest = session.scalars(sa.select(Transfer).order_by(Transfer.id))
        transfers = {one.campaign_id: one for one in latest}
        frozen = session.execute(
            sa.select(Freeze.campaign_id, Freeze.reason).where(Freeze.lifted_at.is_(None))
        )
        reasons = dict(frozen.tuples().all())
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


def get_campaign_money(campaign_id: str) -> CampaignMoney:
    """Return one campaign's money by public id; raises ``NotFoundError``."""
    found = [one for one in list_campaign_money() if one.campaign.public_id == campaign_id]
    if not found:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found[0]


def list_ledger(campaign_id: int, *, page: int) -> tuple[list[LedgerLine], bool]:
    """List a page of a campaign's ledger, the newest first, and whether more follow."""
    with reading() as session:
        transactions = session.scalars(
            sa.select(LedgerTransaction)
            .where(LedgerTransaction.campaign_id == campaign_id)
            .order_by(LedgerTransaction.id.desc())
            .offset((page - 1) * PER_PAGE)
            .limit(PER_PAGE + 1)
        ).all()
        shown = transactions[:PER_PAGE]
        entries = session.scalars(
            sa.select(LedgerEntry)
            .where(LedgerEntry.transaction_id.in_([one.id for one in shown]))
            .order_by(LedgerEntry.transaction_id, LedgerEntry.position)
        ).all()
    lines = [
        LedgerLine(one, [entry for entry in entries if entry.transaction_id == one.id])
        for one in shown
    ]
    return lines, len(transactions) > PER_PAGE


def list_payments(campaign_id: int, *, page: int) -> tuple[Sequence[Payment], bool]:
    """List a page of a campaign's successful payments, and whether more follow."""
    with reading() as session:
        payments = session.scalars(
            sa.select(Payment)
            .where(Payment.campaign_id == campaign_id, Payment.status == PaymentStatus.SUCCEEDED)
            .options(joinedload(Payment.pledge).joinedload(Pledge.reward))
            .order_by(Payment.charged_at.desc(), Payment.id.desc())
            .offset((page - 1) * PER_PAGE)
            .limit(PER_PAGE + 1)
        ).all()
    return payments[:PER_PAGE], len(payments) > PER_PAGE


def list_troubled_refunds(*, window: Window | None = None) -> Sequence[Refund]:
    """List the refunds that failed and that nothing was done about: their money is owed."""
    statement = (
        sa.select(Refund)
        .where(*_TROUBLED)
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
    statement = (
        sa.select(Discrepancy)
        .where(Discrepancy.resolved_at.is_(None))
        .order_by(Discrepancy.id.desc())
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def get_settlement(number: str) -> tuple[Settlement, Transfer | None]:
    """Return a settlement document by its number, with what pays it; raises ``NotFoundError``."""
    with reading() as session:
        document = session.scalars(
            sa.select(Settlement)
            .where(Settlement.number == number)
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


def _refund_sums(status: RefundStatus, what: sa.ColumnElement[int]) -> dict[int, int]:
    return _sums(sa.select(Refund.campaign_id, what).where(Refund.status == status))


def _sums(statement: sa.Select[int, int]) -> dict[int, int]:
    with reading() as session:
        rows = session.execute(statement.group_by(sa.text("1"))).all()
    return {campaign_id: int(total) for campaign_id, total in rows}
