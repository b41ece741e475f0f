"""Open the page on which a backer pays or saves a card, and let go of it when it is too late."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Collection, Pledge, PledgeStatus
from campaigns.ports import CheckoutPage, NotPayableError
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.errors import N_
from octo.ids import new_public_id
from payments.checkout.parameters import WayBack, card_page, payment_page
from payments.context import Context
from payments.gateway.attempts import CALLER_LEASE, Claimed, claim_again, plan_attempt, take
from payments.gateway.calls import perform
from payments.gateway.client import Gateway, StripeAwayError
from payments.gateway.outcomes import record_results
from payments.models import Attempt, AttemptKind, Payment, SavedCard
from payments.settings import StripeSettings

Subject = Payment | SavedCard
_NOT_PAYABLE: Final = N_("This pledge cannot be paid now. Start again from the campaign.")
_NO_ANSWER: Final = N_(
    "Our payment provider does not answer. Nothing was taken: try again in a minute."
)


def start_checkout(
    pledge_id: str, way_back: WayBack, *, gateway: Gateway, settings: Settings, clock: Clock
) -> CheckoutPage:
    """Open Stripe's hosted page for a pledge, or return the one already open.

    On it the pledge is paid, or its card saved, as its campaign collects. The payment or the
    card, the attempt and its key are one commit, before the call. When the answer is lost the
    attempt stays, and whoever resumes it sends it under the same key; the backer is told that
    nothing was taken, and trying again comes back here.
    """
    with transaction() as session:
        pledge = lock(session, Pledge, public_id=pledge_id)
        context = Context.read(settings, clock)
        known = _find_subject(session, pledge)
        if known is not None and (page := find_open_page(known)) is not None:
            return page
        if pledge.status is not PledgeStatus.PENDING:
            raise NotPayableError(_NOT_PAYABLE)
        if known is not None:
            claimed = _begin_again(session, known, context=context)
        elif pledge.campaign.collection is Collection.ON_SUCCESS:
            claimed = _begin_card(session, pledge, way_back, context=context)
        else:
            claimed = begin_payment(session, pledge, way_back, context=context)
    return open_page(claimed, gateway=gateway, settings=settings, clock=clock)


def begin_payment(
    session: Session, pledge: Pledge, way_back: WayBack, *, context: Context
) -> Claimed:
    """Write down a payment and the call that opens its page; the caller commits, then calls."""
    payment = Payment(
        public_id=new_public_id("pay"),
        pledge=pledge,
        campaign_id=pledge.campaign_id,
        amount=pledge.amount,
        tip_amount=pledge.tip_amount,
        currency=pledge.currency,
        created_at=context.now,
    )
    parameters = payment_page(pledge, payment, way_back, settings=context.settings, at=context.now)
    return _begin(session, payment, parameters, context=context)


def _begin_again(session: Session, subject: Subject, *, context: Context) -> Claimed:
    """Take up the call that had no answer yet, under its own key.

    Raises ``StripeAwayError`` while another process is at it.
    """
    if subject.is_resolved:
        raise NotPayableError(_NOT_PAYABLE)
    claimed = claim_again(
        session,
        kind=AttemptKind.CHECKOUT_CREATE,
        subject=subject.public_id,
        holder=_this_request(),
        at=context.machine_now,
    )
    if claimed is None:
        raise StripeAwayError(_NO_ANSWER)
    return claimed


def _begin_card(
    session: Session, pledge: Pledge, way_back: WayBack, *, context: Context
) -> Claimed:
    card = SavedCard(
        public_id=new_public_id("crd"),
        pledge=pledge,
        campaign_id=pledge.campaign_id,
        created_at=context.now,
    )
    parameters = card_page(pledge, card, way_back, settings=context.settings, at=context.now)
    return _begin(session, card, parameters, context=context)


def _begin(
    session: Session, subject: Subject, parameters: dict[str, Any], *, context: Context
) -> Claimed:
    session.add(subject)
    attempt = plan_attempt(
        session,
        installation=context.settings.of(StripeSettings).installation,
        kind=AttemptKind.CHECKOUT_CREATE,
        subject=subject.public_id,
        parameters=parameters,
        at=context.machine_now,
        campaign_id=subject.campaign_id,
    )
    session.flush()
    return take(attempt, holder=_this_request(), at=context.machine_now, lease=CALLER_LEASE)


def open_page(
    claimed: Claimed, *, gateway: Gateway, settings: Settings, clock: Clock
) -> CheckoutPage:
    """Make the call that opens a page, and return it; raises ``StripeAwayError`` without one."""
    result = perform(gateway, claimed, at=claimed.sent_at)
    record_results([(claimed, result)], settings=settings, clock=clock)
    with reading() as session:
        page = next(filter(None, map(find_open_page, _of_attempt(session, claimed))), None)
    if page is None:
        raise StripeAwayError(_NO_ANSWER)
    return page


def find_open_page(subject: Subject) -> CheckoutPage | None:
    """Return the page that is open for a payment or a card."""
    if subject.is_resolved or subject.checkout_url is None:
        return None
    assert subject.checkout_expires_at is not None
    return CheckoutPage(url=subject.checkout_url, expires_at=subject.checkout_expires_at)


def expire_checkout(session: Session, subject: Subject, *, context: Context) -> None:
    """Ask Stripe to close an open page; planned once, carried out by the engine.

    A backer may still be done with it in this race: late money goes back, and a late card is
    forgotten.
    """
    assert subject.stripe_checkout_session_id is not None
    known = session.scalar(
        sa.select(Attempt.id).where(
            Attempt.kind == AttemptKind.CHECKOUT_EXPIRE, Attempt.subject == subject.public_id
        )
    )
    if known is None:
        plan_attempt(
            session,
            installation=context.settings.of(StripeSettings).installation,
            kind=AttemptKind.CHECKOUT_EXPIRE,
            subject=subject.public_id,
            parameters={"session": subject.stripe_checkout_session_id},
            at=context.machine_now,
            campaign_id=subject.campaign_id,
        )


def _find_subject(session: Session, pledge: Pledge) -> Subject | None:
    """Return the card of a pledge whose card is saved, or the first payment of another."""
    if pledge.campaign.collection is Collection.ON_SUCCESS:
        cards = sa.select(SavedCard).where(SavedCard.pledge_id == pledge.id)
        return session.scalars(cards).one_or_none()
    return session.scalars(sa.select(Payment).where(Payment.pledge_id == pledge.id)).one_or_none()


def _of_attempt(session: Session, claimed: Claimed) -> list[Subject]:
    anew = {"populate_existing": True}
    payments = sa.select(Payment).where(Payment.public_id == claimed.subject)
    cards = sa.select(SavedCard).where(SavedCard.public_id == claimed.subject)
    return [
        *session.scalars(payments.execution_options(**anew)),
        *session.scalars(cards.execution_options(**anew)),
    ]


def _this_request() -> str:
    return f"web:{uuid.uuid4()}"
