"""The money side as campaigns know it: binds the port's protocol to the services here."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Pledge
from campaigns.ports import CheckoutPage, PaymentView
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading
from payments.gateway.client import Gateway
from payments.models import Payment, Refund, RefundReason, RefundStatus
from payments.services import checkout, collection, onboarding
from payments.services.occasion import Occasion
from payments.services.refunds import refund_rest


@dataclass(frozen=True)
class BoundPayments:
    """What ``campaigns.ports.Payments`` asks for, with the gateway of one app."""

    gateway: Gateway
    settings: Settings
    clock: Clock

    def start_checkout(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open the page on which a pledge is paid."""
        return checkout.start_checkout(
            pledge_id,
            return_url=return_url,
            cancel_url=cancel_url,
            gateway=self.gateway,
            settings=self.settings,
            clock=self.clock,
        )

    def refresh_pledge(self, pledge_id: str) -> None:
        """Ask Stripe how the payment of this pledge stands and take it in."""
        payment_id = _find_payment_id(pledge_id)
        if payment_id is not None:
            collection.refresh_payment(
                payment_id, gateway=self.gateway, settings=self.settings, clock=self.clock
            )

    def view_payment(self, pledge_id: str) -> PaymentView | None:
        """Return what a receipt shows of the money of one pledge."""
        return view_payment(pledge_id)

    def release_pledge(
        self, session: Session, pledge_id: int, *, reason: str, at: datetime
    ) -> None:
        """Give the money of a canceled pledge back, in the transaction that cancels it."""
        payment = session.scalars(
            sa.select(Payment.id).where(Payment.pledge_id == pledge_id)
        ).one_or_none()
        if payment is None:
            return
        locked = lock(session, Payment, pledge_id=pledge_id)
        occasion = Occasion(settings=self.settings, at=at, machine=self.clock.machine_now())
        if not locked.is_resolved and locked.stripe_checkout_session_id is not None:
            checkout.expire_checkout(session, locked, settings=self.settings, at=occasion.machine)
        refund_rest(session, locked, reason=RefundReason(reason), occasion=occasion)

    def owner_is_ready(self, organisation_id: int, currency: str) -> bool:
        """Tell whether the organisation can be paid in this currency."""
        return currency == self.settings.rules.currency and onboarding.owner_is_ready(
            organisation_id
        )

    def begin_onboarding(self, organisation_id: int, *, return_url: str, refresh_url: str) -> str:
        """Return the address of Stripe's onboarding page for this organisation."""
        return onboarding.begin_onboarding(
            organisation_id,
            return_url=return_url,
            refresh_url=refresh_url,
            gateway=self.gateway,
            settings=self.settings,
            clock=self.clock,
        )

    def refresh_owner(self, organisation_id: int) -> None:
        """Ask Stripe whether this organisation can be paid now."""
        onboarding.refresh_owner(organisation_id, gateway=self.gateway, clock=self.clock)


def view_payment(pledge_id: str) -> PaymentView | None:
    """Return what a receipt shows, or nothing when no payment was begun."""
    with reading() as session:
        payment = session.scalars(
            sa.select(Payment)
            .join(Pledge, Pledge.id == Payment.pledge_id)
            .where(Pledge.public_id == pledge_id)
        ).one_or_none()
        if payment is None:
            return None
        refund = session.scalars(
            sa.select(Refund)
            .where(Refund.payment_id == payment.id)
            .order_by(Refund.id.desc())
            .limit(1)
        ).one_or_none()
        arrived = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount), 0)).where(
            Refund.payment_id == payment.id, Refund.status == RefundStatus.SUCCEEDED
        )
        return PaymentView(
            status=payment.status.value,
            charged_at=payment.charged_at,
            refunded_amount=int(session.scalar(arrived) or 0),
            refund_status=refund.status.value if refund else None,
            refund_requested_at=refund.requested_at if refund else None,
            stripe_reference=payment.stripe_charge_id,
        )


def _find_payment_id(pledge_id: str) -> str | None:
    with reading() as session:
        return session.scalar(
            sa.select(Payment.public_id)
            .join(Pledge, Pledge.id == Payment.pledge_id)
            .where(Pledge.public_id == pledge_id)
        )
