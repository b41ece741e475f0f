"""What Stripe's hosted pages show and take: one that is paid on, one that saves a card."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from campaigns.models import Pledge
from campaigns.settings import Rules
from octo.config import Settings
from octo.errors import N_
from octo.sentences import sentence_in
from payments.models import Payment, SavedCard
from payments.settings import StripeSettings

_EXPIRY_MARGIN: Final = timedelta(minutes=6)
"""Stripe measures by its own clock: ours may be five minutes slow."""
_TIP: Final = N_("Tip for Octo")


@dataclass(frozen=True)
class WayBack:
    """Where Stripe's page leads a backer who is done, and one who turns back."""

    return_url: str
    cancel_url: str


def payment_page(
    pledge: Pledge, payment: Payment, way_back: WayBack, *, settings: Settings, at: datetime
) -> dict[str, Any]:
    """Say what the page shows on which a pledge is paid at once."""
    ids = our_ids(pledge, settings=settings) | {"octo_payment": payment.public_id}
    lines = [_line(pledge.campaign.title, pledge.amount, pledge.currency)]
    if pledge.tip_amount:
        lines.append(_line(sentence_in(pledge.locale, _TIP), pledge.tip_amount, pledge.currency))
    return _page(pledge, way_back, ids, settings=settings, at=at) | {
        "mode": "payment",
        "line_items": lines,
        "payment_intent_data": {"transfer_group": pledge.campaign.public_id, "metadata": ids},
    }


def card_page(
    pledge: Pledge, card: SavedCard, way_back: WayBack, *, settings: Settings, at: datetime
) -> dict[str, Any]:
    """Say what the page shows on which a card is saved, to be charged in its holder's absence.

    https://docs.stripe.com/api/checkout/sessions/create: in ``setup`` mode the SetupIntent is
    for use ``off_session``, and the card is kept for the customer made with it.
    """
    ids = our_ids(pledge, settings=settings) | {"octo_card": card.public_id}
    return _page(pledge, way_back, ids, settings=settings, at=at) | {
        "mode": "setup",
        "customer_creation": "always",
        "currency": pledge.currency.lower(),
        "setup_intent_data": {"metadata": ids},
    }


def our_ids(pledge: Pledge, *, settings: Settings) -> dict[str, str]:
    """Return what lets an object at Stripe be recognised as ours; never a name or an e-mail.

    With it a pledge that a restored backup has forgotten can be written down again.
    """
    reward = {"octo_reward": pledge.reward.public_id} if pledge.reward else {}
    return reward | {
        "octo_installation": settings.of(StripeSettings).installation,
        "octo_pledge": pledge.public_id,
        "octo_campaign": pledge.campaign.public_id,
        "octo_amount": str(pledge.amount),
        "octo_shipping": str(pledge.shipping_amount),
        "octo_tip": str(pledge.tip_amount),
    }


def _page(
    pledge: Pledge, way_back: WayBack, ids: dict[str, str], *, settings: Settings, at: datetime
) -> dict[str, Any]:
    """Say what both pages have; each closes itself after half an hour at least.

    https://docs.stripe.com/api/checkout/sessions/create: ``expires_at`` is 30 minutes to
    24 hours ahead.
    """
    expires_at = at + timedelta(minutes=settings.of(Rules).checkout_minutes) + _EXPIRY_MARGIN
    return {
        "allowed_payment_method_types": ["card"],
        "client_reference_id": pledge.public_id,
        "customer_email": pledge.email,
        "locale": pledge.locale,
        "metadata": ids,
        "success_url": way_back.return_url,
        "cancel_url": way_back.cancel_url,
        "expires_at": int(expires_at.timestamp()),
    }


def _line(name: str, amount: int, currency: str) -> dict[str, Any]:
    price = {
        "currency": currency.lower(),
        "unit_amount": amount,
        "product_data": {"name": name},
    }
    return {"quantity": 1, "price_data": price}
