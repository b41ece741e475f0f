"""What campaigns need of whoever moves the money; ``payments.register`` binds it.

This is the one seam between the two packages: campaigns call these protocols, payments call
the services of campaigns.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session

from octo.errors import ConflictError, UnavailableError


class PaymentsAwayError(UnavailableError):
    """Stripe does not answer now; nothing was taken and trying again is safe."""

    code = "stripe_away"


class NotPayableError(ConflictError):
    """This pledge waits for no payment."""

    code = "not_payable"


@dataclass(frozen=True)
class CheckoutPage:
    """Where a backer pays, and until when (UTC)."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class PaymentView:
    """What a receipt shows of the money of one pledge; amounts in minor units."""

    status: str
    charged_at: datetime | None
    refunded_amount: int
    refund_status: str | None
    refund_requested_at: datetime | None
    stripe_reference: str | None


class Payments(Protocol):
    """The money side of a pledge and of a campaign."""

    def start_checkout(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open a checkout page for a pending pledge.

        Raises ``PaymentsAwayError``, or ``NotPayableError`` when the pledge is not pending.
        """

    def refresh_pledge(self, pledge_id: str) -> None:
        """Ask Stripe how the payment of this pledge stands and take it in."""

    def view_payment(self, pledge_id: str) -> PaymentView | None:
        """Return what a receipt shows, or nothing when no payment was begun."""

    def release_pledge(
        self, session: Session, pledge_id: int, *, reason: str, at: datetime
    ) -> None:
        """Give the money of a canceled pledge back, in the transaction that cancels it."""

    def owner_is_ready(self, organisation_id: int, currency: str) -> bool:
        """Tell whether the organisation can be paid in this currency."""

    def begin_onboarding(self, organisation_id: int, *, return_url: str, refresh_url: str) -> str:
        """Return the address of Stripe's onboarding page for this organisation."""

    def refresh_owner(self, organisation_id: int) -> None:
        """Ask Stripe whether this organisation can be paid now."""


def bind_payments(app: Flask, payments: Payments) -> None:
    """Bind the money side to the app; ``payments.register`` does it once."""
    app.extensions["campaigns.payments"] = payments


def bound_payments() -> Payments:
    """Return the money side of the current app; for pages, API, commands and jobs only."""
    bound: Payments = current_app.extensions["campaigns.payments"]
    return bound
