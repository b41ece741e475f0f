"""What a campaign has collected now, and what its documents say so far."""

from decimal import Decimal
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.database import sum_or_zero
from payments.models import Payment, Settlement, SettlementKind
from payments.policy import Figures, compute_figures
from payments.settings import SettlementTerms

_SUMMED: Final = (
    "gross_amount",
    "refunds_amount",
    "disputes_amount",
    "base_amount",
    "fee_amount",
    "vat_amount",
    "net_amount",
    "tips_amount",
)


def terms_of(campaign: Campaign, in_force: SettlementTerms) -> SettlementTerms:
    """Return the terms written on a campaign at its launch; those in force until then."""
    if campaign.fee_rate is None or campaign.vat_rate is None or campaign.repair_days is None:
        return in_force
    return SettlementTerms(
        platform_fee_rate=Decimal(campaign.fee_rate),
        vat_rate=Decimal(campaign.vat_rate),
        repair_days=campaign.repair_days,
    )


def counted(campaign_id: int) -> sa.ColumnElement[bool]:
    """Return the condition of the payments that are the campaign's; late money never is."""
    return sa.and_(Payment.campaign_id == campaign_id, Payment.is_counted)


def read_figures(
    session: Session, campaign: Campaign, *, fee_rate: Decimal, vat_rate: Decimal
) -> Figures:
    """Compute what one document for everything would say now; the caller holds the lock."""
    session.flush()
    sums = session.execute(
        sa.select(
            sum_or_zero(Payment.amount).label("gross"),
            sum_or_zero(Payment.refunded_funds_amount).label("refunds"),
            sum_or_zero(Payment.disputed_funds_amount).label("disputes"),
            sum_or_zero(Payment.tip_left_amount).label("tips"),
        ).where(counted(campaign.id))
    ).one()
    return compute_figures(
        gross=int(sums.gross),
        refunds=int(sums.refunds),
        disputes=int(sums.disputes),
        tips=int(sums.tips),
        fee_rate=fee_rate,
        vat_rate=vat_rate,
    )


def read_documented(session: Session, campaign: Campaign) -> Figures:
    """Add the campaign's documents up, credit notes as what they take back."""
    sign = sa.case((Settlement.kind == SettlementKind.CREDIT_NOTE, -1), else_=1)
    sums = session.execute(
        sa.select(
            *(sum_or_zero(sign * getattr(Settlement, name)).label(name) for name in _SUMMED)
        ).where(Settlement.campaign_id == campaign.id)
    ).one()
    return Figures(**{name: int(getattr(sums, name)) for name in _SUMMED})


def read_processor_fees(session: Session, campaign: Campaign) -> tuple[int, int]:
    """Return how many payments count, and what Stripe kept of them, in minor units."""
    count, fees = session.execute(
        sa.select(sa.func.count(), sum_or_zero(Payment.processor_fee_amount)).where(
            counted(campaign.id)
        )
    ).one()
    return int(count), int(fees)
