"""Issue the settlement document of a campaign that succeeded: numbered, once, for good."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.ids import new_public_id
from payments.ledger import rules
from payments.ledger.posting import post
from payments.models import (
    Dispute,
    DisputeStatus,
    DocumentSeries,
    Payment,
    PaymentStatus,
    Refund,
    Settlement,
    SettlementKind,
    Transfer,
)
from payments.services.occasion import Occasion
from payments.settlement.policy import settle


def issue_settlement(session: Session, campaign: Campaign, *, occasion: Occasion) -> Settlement:
    """Issue the main document of a campaign and the transfer that will pay it.

    The caller holds the campaign's lock, so that nothing of what is summed here can change.
    """
    session.flush()
    rules_in_force = occasion.settings.rules
    collected = sa.and_(
        Payment.campaign_id == campaign.id,
        Payment.status == PaymentStatus.SUCCEEDED,
        ~Payment.is_late,
    )
    count, gross, tips, fees = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(Payment.amount), 0),
            sa.func.coalesce(sa.func.sum(Payment.tip_amount - Payment.refunded_tip_amount), 0),
            sa.func.coalesce(sa.func.sum(Payment.processor_fee_amount), 0),
        ).where(collected)
    ).one()
    figures = settle(
        gross=int(gross),
        refunds=_refunded_funds(session, campaign),
        disputes=_disputed(session, campaign),
        fee_rate=rules_in_force.platform_fee_rate,
        vat_rate=rules_in_force.vat_rate,
    )
    document = Settlement(
        public_id=new_public_id("set"),
        number=next_number(session, f"R{occasion.at.year}"),
        campaign=campaign,
        kind=SettlementKind.MAIN,
        currency=campaign.currency,
        payments_count=count,
        fee_rate=str(rules_in_force.platform_fee_rate),
        vat_rate=str(rules_in_force.vat_rate),
        processor_fees_amount=int(fees),
        tips_amount=int(tips),
        issued_at=occasion.at,
        **vars(figures),
    )
    session.add(document)
    session.flush()
    post(session, rules.settlement(document))
    session.add(_transfer_of(document, campaign, occasion=occasion))
    return document


def next_number(session: Session, series: str) -> str:
    """Give the next number of a series, without gaps: a rolled-back document gives it back."""
    row = session.scalars(
        sa.select(DocumentSeries)
        .where(DocumentSeries.name == series)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        row = DocumentSeries(name=series, last_number=0)
        session.add(row)
    row.last_number += 1
    session.flush()
    return f"{series}-{row.last_number:04d}"


def _refunded_funds(session: Session, campaign: Campaign) -> int:
    total = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(Refund.funds_amount), 0))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.campaign_id == campaign.id, ~Payment.is_late)
    )
    return int(total or 0)


def _disputed(session: Session, campaign: Campaign) -> int:
    total = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(Dispute.amount), 0)).where(
            Dispute.campaign_id == campaign.id,
            Dispute.status.in_((DisputeStatus.OPENED, DisputeStatus.LOST)),
        )
    )
    return int(total or 0)


def _transfer_of(document: Settlement, campaign: Campaign, *, occasion: Occasion) -> Transfer:
    return Transfer(
        public_id=new_public_id("trf"),
        settlement=document,
        campaign=campaign,
        amount=document.net_amount,
        currency=document.currency,
        created_at=occasion.at,
    )
