"""Issue the documents of a campaign that succeeded: numbered, immutable, and always true.

The first one settles it. Whenever what it collected changes afterwards, by a refund or a dispute,
another follows in the same commit: a credit note, or a supplementary settlement. Their figures are
those of now less those of all documents before (``payments.policy``).
"""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import reopen_settling
from campaigns.models import Campaign, Outcome
from campaigns.team.mails import tell_owner
from payments.accounting import entries
from payments.context import Context
from payments.documents.figures import (
    read_documented,
    read_figures,
    read_processor_fees,
    terms_of,
)
from payments.documents.issue import issue_document, void_documents
from payments.documents.kinds import get_kind
from payments.documents.owner_balance import credit_owner, debit_owner
from payments.ledger.posting import post
from payments.models import DOCUMENT_KINDS, Document, Settlement, SettlementKind
from payments.policy import Figures
from payments.settings import SettlementTerms


def issue_settlement(
    session: Session, campaign: Campaign, *, context: Context, number: str | None = None
) -> Settlement:
    """Issue the main document of a campaign and the transfer that will pay it.

    The caller holds the campaign's lock, so that nothing of what is summed here can change.
    ``number`` is that of a document which was issued before and which a backup has forgotten.
    """
    terms = terms_of(campaign, context.settings.of(SettlementTerms))
    rates = terms.platform_fee_rate, terms.vat_rate
    figures = read_figures(session, campaign, fee_rate=rates[0], vat_rate=rates[1])
    return _issue(
        session,
        campaign,
        SettlementKind.MAIN,
        figures,
        rates=rates,
        context=context,
        number=number,
    )


def correct_documents(
    session: Session, campaign: Campaign, *, context: Context
) -> Settlement | None:
    """Have the documents say again what the campaign collected; nothing if they do, or none stands.

    Called under the campaign's lock, last in every change of what is refunded or disputed: the
    change and its document are one commit. The rates are those of the main document.
    """
    main = find_main(session, campaign)
    if main is None or campaign.outcome is not Outcome.SUCCEEDED:
        return None
    rates = Decimal(main.fee_rate), Decimal(main.vat_rate)
    now = read_figures(session, campaign, fee_rate=rates[0], vat_rate=rates[1])
    return _correct(session, campaign, now, rates=rates, context=context)


def reverse_documents(
    session: Session, campaign: Campaign, *, context: Context
) -> Settlement | None:
    """Take back all that a campaign's documents say, by one credit note that voids them.

    Where credit notes have taken back all of it before, the last of them does.
    """
    main = find_main(session, campaign)
    if main is None:
        return None
    rates = Decimal(main.fee_rate), Decimal(main.vat_rate)
    reversal = _correct(session, campaign, Figures(), rates=rates, context=context)
    last = reversal or _find_last_credit_note(session, campaign)
    if last is not None:
        void_documents(session, _find_settlements(session, campaign), by=last.document)
    return reversal


def find_main(session: Session, campaign: Campaign) -> Settlement | None:
    """Find the document that settled a campaign."""
    return session.scalars(
        sa.select(Settlement).where(
            Settlement.campaign_id == campaign.id, Settlement.kind == SettlementKind.MAIN
        )
    ).one_or_none()


def _find_last_credit_note(session: Session, campaign: Campaign) -> Settlement | None:
    return session.scalars(
        sa.select(Settlement)
        .where(Settlement.campaign_id == campaign.id, Settlement.kind == SettlementKind.CREDIT_NOTE)
        .order_by(Settlement.id.desc())
        .limit(1)
    ).one_or_none()


def _find_settlements(session: Session, campaign: Campaign) -> Sequence[Document]:
    """Find the main document of a campaign and its supplements, whatever credit notes say."""
    return session.scalars(
        sa.select(Document)
        .join(Settlement, Settlement.document_id == Document.id)
        .where(Settlement.campaign_id == campaign.id, Settlement.kind != SettlementKind.CREDIT_NOTE)
        .order_by(Document.id)
    ).all()


def _correct(
    session: Session,
    campaign: Campaign,
    now: Figures,
    *,
    rates: tuple[Decimal, Decimal],
    context: Context,
) -> Settlement | None:
    difference = now - read_documented(session, campaign)
    if difference.is_nothing:
        return None
    kind = SettlementKind.CREDIT_NOTE if difference.is_credit else SettlementKind.SUPPLEMENTARY
    settlement = _issue(session, campaign, kind, difference, rates=rates, context=context)
    tell_owner(
        session,
        campaign,
        "settlement_corrected",
        at=context.now,
        document_number=settlement.document.number,
        is_credit=difference.is_credit,
        amount=abs(difference.net_amount),
    )
    if not difference.is_credit:
        reopen_settling(session, campaign, reason=settlement.document.number, at=context.now)
    return settlement


def _issue(
    session: Session,
    campaign: Campaign,
    kind: SettlementKind,
    figures: Figures,
    *,
    rates: tuple[Decimal, Decimal],
    context: Context,
    number: str | None = None,
) -> Settlement:
    """Write a document, book it, and have the owner paid or owe what it says."""
    is_main = kind is SettlementKind.MAIN
    count, fees = read_processor_fees(session, campaign) if is_main else (0, 0)
    settlement = Settlement(
        document=issue_document(
            session,
            get_kind(DOCUMENT_KINDS[kind]),
            at=context.now,
            time_zone=context.settings.time_zone,
            campaign=campaign,
            organisation=campaign.organisation,
            number=number,
        ),
        campaign=campaign,
        kind=kind,
        currency=campaign.currency,
        payments_count=count,
        fee_rate=str(rates[0]),
        vat_rate=str(rates[1]),
        processor_fees_amount=fees,
        **vars(Figures() - figures if kind is SettlementKind.CREDIT_NOTE else figures),
    )
    session.add(settlement)
    session.flush()
    _settle_with_owner(session, campaign, settlement, figures.net_amount, context=context)
    return settlement


def _settle_with_owner(
    session: Session, campaign: Campaign, settlement: Settlement, net: int, *, context: Context
) -> None:
    """Book a document with what becomes of its net, which may be negative by a rounded cent."""
    debt = loss = 0
    if net > 0:
        shares = credit_owner(session, settlement, net, at=context.now)
        debt, loss = shares.debt_amount, shares.loss_amount
    elif net < 0:
        debt = -debit_owner(session, campaign, -net, context=context).debt_amount
    draft = entries.settlement(settlement, debt_amount=debt, loss_amount=loss)
    if draft is not None:
        post(session, draft)
