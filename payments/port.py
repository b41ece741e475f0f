"""The money side as campaigns know it: binds the port's protocol to the services here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from campaigns.ports import (
    CheckoutPage,
    CollectingView,
    PaymentView,
    PledgeMoney,
    Shares,
    TermsView,
)
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock_all
from payments.charges import record, repairs, views
from payments.charges.saved_cards import forget_card
from payments.checkout import sessions
from payments.checkout.parameters import WayBack
from payments.context import Context
from payments.documents import counted
from payments.documents.figures import terms_of
from payments.gateway.client import Gateway
from payments.gateway.guards import require_current_books, require_own_stripe
from payments.models import Payment, RefundReason, SavedCard
from payments.owners import onboarding
from payments.policy import compute_figures
from payments.refunds.requests import refund_rest
from payments.settings import SettlementTerms


@dataclass(frozen=True)
class BoundPayments:
    """What ``campaigns.ports.Payments`` asks for, with the gateway of one app."""

    gateway: Gateway
    settings: Settings
    clock: Clock

    def view_terms(self, campaign: Campaign | None = None) -> TermsView:
        """Return the terms a campaign was launched under, and before a launch those in force."""
        in_force = self.settings.of(SettlementTerms)
        terms = terms_of(campaign, in_force) if campaign else in_force
        return TermsView(terms.platform_fee_rate, terms.vat_rate, terms.repair_days)

    def share_out(self, campaign: Campaign, amount: int) -> Shares:
        """Return who gets what of an amount, by the terms of its campaign."""
        terms = terms_of(campaign, self.settings.of(SettlementTerms))
        figures = compute_figures(
            gross=amount,
            refunds=0,
            disputes=0,
            fee_rate=terms.platform_fee_rate,
            vat_rate=terms.vat_rate,
        )
        return Shares(figures.net_amount, figures.fee_amount, figures.vat_amount)

    def start_checkout(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open the page on which a pledge is paid, or its card saved."""
        self._require_guards()
        return sessions.start_checkout(
            pledge_id,
            WayBack(return_url, cancel_url),
            gateway=self.gateway,
            settings=self.settings,
            clock=self.clock,
        )

    def start_repair(self, pledge_id: str, *, return_url: str, cancel_url: str) -> CheckoutPage:
        """Open the page on which a backer pays what the saved card could not."""
        self._require_guards()
        return repairs.start_repair(
            pledge_id,
            WayBack(return_url, cancel_url),
            gateway=self.gateway,
            settings=self.settings,
            clock=self.clock,
        )

    def refresh_pledge(self, pledge_id: str) -> None:
        """Ask Stripe how the payment of this pledge stands and take it in."""
        record.refresh_pledge(
            pledge_id, gateway=self.gateway, settings=self.settings, clock=self.clock
        )

    def view_payment(self, pledge_id: str) -> PaymentView | None:
        """Return what a receipt shows of the money of one pledge."""
        return views.view_payment(pledge_id, at=self.clock.now())

    def view_collecting(self, campaign_id: int) -> CollectingView:
        """Return how far the charging of saved cards has come."""
        return views.view_collecting(campaign_id)

    def read_money(self, session: Session, pledge_id: int) -> PledgeMoney:
        """Return what counts of a pledge, and whether its bank has to do with it."""
        return PledgeMoney(
            counted_amount=counted.read_counted(session, Pledge.id == pledge_id),
            is_with_bank=counted.is_with_bank(session, pledge_id),
        )

    def lock_money(self, session: Session, pledge_id: int) -> None:
        """Lock the payments and the card of a pledge, before its campaign as everybody does."""
        lock_all(session, Payment, Payment.pledge_id == pledge_id)
        lock_all(session, SavedCard, SavedCard.pledge_id == pledge_id)

    def release_pledge(self, session: Session, pledge_id: int, *, reason: str, at: datetime) -> int:
        """Give the money of a canceled pledge back, in the transaction that cancels it.

        A card that was saved is forgotten instead. Returns what is given back, in minor units.
        """
        require_current_books()
        given_back = 0
        context = Context(settings=self.settings, now=at, machine_now=self.clock.machine_now())
        for payment in lock_all(session, Payment, Payment.pledge_id == pledge_id):
            if not payment.is_resolved and payment.stripe_checkout_session_id is not None:
                sessions.expire_checkout(session, payment, context=context)
            given_back += payment.refundable_amount
            refund_rest(session, payment, reason=RefundReason(reason), context=context)
        for card in lock_all(session, SavedCard, SavedCard.pledge_id == pledge_id):
            if not card.is_resolved and card.stripe_checkout_session_id is not None:
                sessions.expire_checkout(session, card, context=context)
            forget_card(session, card, context=context)
        return given_back

    def owner_is_ready(self, organisation_id: int, currency: str) -> bool:
        """Tell whether the organisation can be paid in this currency."""
        return currency == self.settings.currency and onboarding.owner_is_ready(organisation_id)

    def begin_onboarding(self, organisation_id: int, *, return_url: str, refresh_url: str) -> str:
        """Return the address of Stripe's onboarding page for this organisation."""
        self._require_guards()
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

    def _require_guards(self) -> None:
        require_own_stripe(self.gateway, settings=self.settings, clock=self.clock)
        require_current_books()
