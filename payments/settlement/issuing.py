"""Issue the settlement document of a campaign that succeeded: numbered, once, for good."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge, PledgeStatus
from octo.database import lock
from octo.ids import new_public_id
from payments.ledger import rules
from payments.ledger.posting import post
from payments.models import (
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

_DISPUTED_TIP: Final = sa.case(
    (Payment.disputed_amount > Payment.amount, Payment.disputed_amount - Payment.amount), else_=0
)


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
            sa.func.coalesce(
                sa.func.sum(Payment.tip_amount - Payment.refunded_tip_amount - _DISPUTED_TIP), 0
            ),
            sa.func.coalesce(sa.func.sum(Payment.processor_fee_amount), 0),
        ).where(collected)
    ).one()
    figures = settle(
        gross=int(gross),
        refunds=_refunded_funds(session, campaign),
        disputes=withdrawn_funds(session, campaign),
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
    if document.base_amount + document.tips_amount > 0:
        post(session, rules.settlement(document))
    if document.net_amount > 0:
        session.add(_transfer_of(document, campaign, occasion=occasion))
    return document


def next_number(session: Session, series: str) -> str:
    """Give the next number of a series, without gaps: a rolled-back document gives it back."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    session.execute(
        insert(DocumentSeries).values(name=series, last_number=0).on_conflict_do_nothing()
    )
    row = lock(session, DocumentSeries, name=series)
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


def withdrawn_funds(session: Session, campaign: Campaign, *, is_counted: bool = False) -> int:
    """Return what banks have taken back of a campaign's money, tips excluded, in minor units.

    ``is_counted`` keeps to the pledges that the campaign still counts.
    """
    withdrawn = sa.select(
        sa.func.coalesce(sa.func.sum(Payment.disputed_amount - _DISPUTED_TIP), 0)
    ).where(
        Payment.campaign_id == campaign.id,
        Payment.status == PaymentStatus.SUCCEEDED,
        ~Payment.is_late,
    )
    if is_counted:
        withdrawn = withdrawn.join(Pledge).where(Pledge.status == PledgeStatus.ACTIVE)
    return int(session.scalar(withdrawn) or 0)


def _transfer_of(document: Settlement, campaign: Campaign, *, occasion: Occasion) -> Transfer:
    return Transfer(
        public_id=new_public_id("trf"),
        settlement=document,
        campaign=campaign,
        document_amount=document.net_amount,
        amount=document.net_amount,
        currency=document.currency,
        created_at=occasion.at,
    )
