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
class RepairView:
    """What a backer whose saved card was declined is told: why, and until when to pay."""

    reason: str
    until: datetime
    is_under_way: bool


@dataclass(frozen=True)
class PaymentView:
    """What a receipt shows of the money of one pledge; amounts in minor units.

    ``card`` names a saved card by what its holder knows of it, such as ``visa 4242``.
    """

    charged_at: datetime | None = None
    refunded_amount: int = 0
    refund_status: str | None = None
    refund_requested_at: datetime | None = None
    stripe_reference: str | None = None
    card: str = ""
    repair: RepairView | None = None


@dataclass(frozen=True)
class CollectingView:
    """How far the charging of saved cards has come; amounts without tips, in minor units."""

    collected_amount: int
    collected_count: int
    left_amount: int
    left_count: int


class Payments(Protocol):
    """The money side of a pledge and of a campaign."""

    def start_checkout(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open a checkout page for a pending pledge, to pay it or to save its card.

        Raises ``PaymentsAwayError``, or ``NotPayableError`` when the pledge is not pending.
        """

    def start_repair(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open a checkout page for a pledge whose saved card was declined.

        Raises ``ConflictError`` when nothing is to be repaired, and ``UnavailableError`` when
        Stripe is away.
        """

    def refresh_pledge(self, pledge_id: str) -> None:
        """Ask Stripe how the payment of this pledge stands and take it in."""

    def view_payment(self, pledge_id: str) -> PaymentView | None:
        """Return what a receipt shows, or nothing when no payment was begun."""

    def view_collecting(self, campaign_id: int) -> CollectingView:
        """Return how far the charging of saved cards has come."""

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
