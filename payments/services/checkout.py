"""Open the page on which a backer pays, and let go of it when it can no longer be paid."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Pledge, PledgeStatus
from campaigns.ports import CheckoutPage, NotPayableError
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_
from octo.ids import new_public_id
from octo.sentences import sentence_in
from payments.gateway.attempts import CALLER_LEASE, Claimed, plan_attempt, take
from payments.gateway.calls import perform
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Attempt, AttemptKind, Payment
from payments.services.outcomes import record_results

_EXPIRY_MARGIN = timedelta(minutes=1)
_TIP = N_("Tip for Octo")


def start_checkout(
    pledge_id: str,
    *,
    return_url: str,
    cancel_url: str,
    gateway: Gateway,
    settings: Settings,
    clock: Clock,
) -> CheckoutPage:
    """Open Stripe's hosted page for a pledge, or return the one already open.

    The payment, the attempt and its key are one commit, before the call. When the answer is
    lost the attempt stays, and whoever resumes it sends it under the same key; the backer is
    told that nothing was taken, and trying again comes back here.
    """
    claimed = _prepare(
        pledge_id, return_url=return_url, cancel_url=cancel_url, settings=settings, clock=clock
    )
    if isinstance(claimed, CheckoutPage):
        return claimed
    result = perform(gateway, claimed, at=claimed.sent_at)
    record_results([(claimed, result)], settings=settings, clock=clock)
    page = _find_page(pledge_id)
    if page is None:
        raise StripeAwayError(
            N_("Our payment provider does not answer. Nothing was taken: try again in a minute.")
        )
    return page


def expire_checkout(
    session: Session, payment: Payment, *, settings: Settings, at: datetime
) -> None:
    """Ask Stripe to close an open checkout; planned once, carried out by the engine.

    ``at`` is machine time. Stripe may still take a payment in this race: that money goes back.
    """
    assert payment.stripe_checkout_session_id is not None
    known = session.scalar(
        sa.select(Attempt.id).where(
            Attempt.kind == AttemptKind.CHECKOUT_EXPIRE, Attempt.subject == payment.public_id
        )
    )
    if known is None:
        plan_attempt(
            session,
            installation=settings.stripe.installation,
            kind=AttemptKind.CHECKOUT_EXPIRE,
            subject=payment.public_id,
            parameters={"session": payment.stripe_checkout_session_id},
            at=at,
            campaign_id=payment.campaign_id,
        )


def _prepare(
    pledge_id: str, *, return_url: str, cancel_url: str, settings: Settings, clock: Clock
) -> Claimed | CheckoutPage:
    with transaction() as session:
        pledge = lock(session, Pledge, public_id=pledge_id)
        machine = clock.machine_now()
        payment = session.scalars(
            sa.select(Payment).where(Payment.pledge_id == pledge.id)
        ).one_or_none()
        if payment is not None and payment.checkout_url and not payment.is_resolved:
            return _page_of(payment)
        if pledge.status is not PledgeStatus.PENDING or payment is not None:
            raise NotPayableError(
                N_("This pledge cannot be paid now. Start again from the campaign.")
            )
        payment = Payment(
            public_id=new_public_id("pay"),
            pledge=pledge,
            campaign_id=pledge.campaign_id,
            amount=pledge.amount,
            tip_amount=pledge.tip_amount,
            currency=pledge.currency,
            created_at=clock.now(),
        )
        session.add(payment)
        attempt = plan_attempt(
            session,
            installation=settings.stripe.installation,
            kind=AttemptKind.CHECKOUT_CREATE,
            subject=payment.public_id,
            parameters=_session_parameters(
                pledge,
                payment,
                return_url=return_url,
                cancel_url=cancel_url,
                settings=settings,
                at=clock.now(),
            ),
            at=machine,
            campaign_id=pledge.campaign_id,
        )
        session.flush()
        return take(attempt, holder=f"web:{uuid.uuid4()}", at=machine, lease=CALLER_LEASE)


def _session_parameters(
    pledge: Pledge,
    payment: Payment,
    *,
    return_url: str,
    cancel_url: str,
    settings: Settings,
    at: datetime,
) -> dict[str, Any]:
    """Say what Stripe's page shows and takes; it closes itself after half an hour at least.

    https://docs.stripe.com/api/checkout/sessions/create: ``expires_at`` is 30 minutes to
    24 hours ahead.
    """
    expires_at = at + timedelta(minutes=settings.rules.checkout_minutes) + _EXPIRY_MARGIN
    campaign = pledge.campaign
    ids = {
        "octo_installation": settings.stripe.installation,
        "octo_payment": payment.public_id,
        "octo_pledge": pledge.public_id,
        "octo_campaign": campaign.public_id,
    }
    lines = [_line(campaign.title, pledge.amount, pledge.currency)]
    if pledge.tip_amount:
        lines.append(_line(sentence_in(pledge.locale, _TIP), pledge.tip_amount, pledge.currency))
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "client_reference_id": pledge.public_id,
        "customer_email": pledge.email,
        "locale": pledge.locale,
        "line_items": lines,
        "payment_intent_data": {"transfer_group": campaign.public_id, "metadata": ids},
        "metadata": ids,
        "success_url": return_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
    }


def _line(name: str, amount: int, currency: str) -> dict[str, Any]:
    price = {
        "currency": currency.lower(),
        "unit_amount": amount,
        "product_data": {"name": name},
    }
    return {"quantity": 1, "price_data": price}


def _find_page(pledge_id: str) -> CheckoutPage | None:
    with transaction() as session:
        pledge = lock(session, Pledge, public_id=pledge_id)
        payment = session.scalars(sa.select(Payment).where(Payment.pledge_id == pledge.id)).one()
        return _page_of(payment) if payment.checkout_url else None


def _page_of(payment: Payment) -> CheckoutPage:
    assert payment.checkout_url is not None
    assert payment.checkout_expires_at is not None
    return CheckoutPage(url=payment.checkout_url, expires_at=payment.checkout_expires_at)
