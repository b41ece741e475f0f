"""What campaigns need of whoever moves the money; ``payments.register`` binds it.

This is the one seam between the two packages: campaigns call these protocols, payments call
the services of campaigns.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus
from campaigns.policy.receipt_states import MoneyFacts
from octo.errors import ConflictError, UnavailableError


class PaymentsAwayError(UnavailableError):
    """Stripe does not answer now; nothing was taken and trying again is safe."""

    code = "stripe_away"


class NotPayableError(ConflictError):
    """This pledge waits for no payment."""

    code = "not_payable"


class NothingToRepairError(ConflictError):
    """The pledge is paid, or can no longer be."""

    code = "nothing_to_repair"


class StillAskedError(UnavailableError):
    """What became of the last try is not known yet; another must not begin before it is."""

    code = "still_asked"


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

    ``status`` is the payment's, or the saved card's while there is no payment; ``card`` names
    that card by what its holder knows of it, such as ``visa 4242``. ``refund_status`` is the
    last refund's, or ``paid_by_bank`` when it failed and its backer was paid that way.
    """

    status: str
    money: MoneyFacts
    charged_at: datetime | None = None
    refund_status: str | None = None
    refund_requested_at: datetime | None = None
    stripe_reference: str | None = None
    card: str = ""
    repair: RepairView | None = None


@dataclass(frozen=True)
class PledgeMoney:
    """What counts of an active pledge, in minor units, and whether its bank has to do with it.

    ``is_with_bank`` where a bank contests the payment, or has taken all that was left of it.
    """

    counted_amount: int
    is_with_bank: bool


@dataclass(frozen=True)
class CollectingView:
    """How far the charging of saved cards has come; amounts without tips, in minor units."""

    collected_amount: int
    collected_count: int
    left_amount: int
    left_count: int


@dataclass(frozen=True)
class TermsView:
    """What the money side asks of a campaign and its backers."""

    platform_fee_rate: Decimal
    vat_rate: Decimal
    repair_days: int


@dataclass(frozen=True)
class Shares:
    """Who gets what of an amount once its campaign succeeds, in minor units; no tip is in it."""

    owner_amount: int
    fee_amount: int
    vat_amount: int


class Payments(Protocol):
    """The money side of a pledge and of a campaign."""

    def view_terms(self, campaign: Campaign | None = None) -> TermsView:
        """Return the terms a campaign was launched under, and before a launch those in force."""

    def share_out(self, campaign: Campaign, amount: int) -> Shares:
        """Return who gets what of an amount (minor units), by the terms of its campaign."""

    def start_checkout(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open a checkout page for a pending pledge, to pay it or to save its card.

        Raises ``PaymentsAwayError``, or ``NotPayableError`` when the pledge is not pending.
        """

    def start_repair(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open a checkout page for a pledge whose saved card was declined.

        Raises ``NothingToRepairError``, ``StillAskedError`` while the last try may still go
        through, and ``PaymentsAwayError`` when Stripe is away.
        """

    def refresh_pledge(self, pledge_id: str) -> None:
        """Ask Stripe how the payment of this pledge stands and take it in."""

    def view_payment(self, pledge_id: str) -> PaymentView | None:
        """Return what a receipt shows, or nothing when no payment was begun."""

    def view_collecting(self, campaign_id: int) -> CollectingView:
        """Return how far the charging of saved cards has come."""

    def read_money(self, session: Session, pledge_id: int) -> PledgeMoney:
        """Return how the money of a pledge stands; its caller holds the locks."""

    def lock_money(self, session: Session, pledge_id: int) -> None:
        """Lock what pays a pledge; its caller holds the pledge, and locks the campaign next."""

    def release_pledge(self, session: Session, pledge_id: int, *, reason: str, at: datetime) -> int:
        """Give the money of a canceled pledge back, in the transaction that cancels it.

        Returns how much that is, in minor units.
        """

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


def collecting_of(campaign: Campaign) -> CollectingView | None:
    """Return how far a campaign that is collecting has come; for pages and API only."""
    if campaign.status is not CampaignStatus.COLLECTING:
        return None
    return bound_payments().view_collecting(campaign.id)
