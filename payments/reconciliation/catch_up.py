"""Take in what Stripe did and we had not heard of yet: by the very handlers of its events."""

from collections.abc import Iterable
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError

from octo.clock import Clock
from octo.config import Settings
from octo.database import transaction
from octo.errors import OctoError
from payments.accounting import entries
from payments.gateway.client import Gateway, StripeAwayError
from payments.gateway.lists import fetch_movement, fetch_reversed_transfer
from payments.ledger.posting import adopt_movement
from payments.webhooks.handlers import find_handler

_log = structlog.get_logger()

_EVENTS: Final = {
    "ch": "charge.",
    "py": "charge.",
    "re": "refund.",
    "pyr": "refund.",
    "tr": "transfer.",
    "dp": "charge.dispute.",
    "du": "charge.dispute.",
    "tu": "topup.",
    "po": "payout.",
}
"""What an id of Stripe's begins with, and the events that are about such an object."""

_OWN_FEES: Final = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})


def catch_up(
    sources: Iterable[str], *, gateway: Gateway, settings: Settings, clock: Clock
) -> list[str]:
    """Ask Stripe about each object and take it in as if its event had come.

    Returns those that were; what cannot be is left to be named. Charges come first, then what
    is about them.
    """
    order = list(_EVENTS)
    wanted = sorted(
        set(sources),
        key=lambda one: (order.index(kind) if (kind := _kind(one)) else len(order), one),
    )
    taken = []
    for source in wanted:
        try:
            is_taken = _catch_up(source, gateway=gateway, settings=settings, clock=clock)
        except StripeAwayError:
            raise
        except (OctoError, IntegrityError, AssertionError) as error:
            _log.warning("not_taken_in", source=source, error=repr(error))
            continue
        if is_taken:
            taken.append(source)
    return taken


def _catch_up(source: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> bool:
    if source.startswith("txn_"):
        return _catch_up_fee(source, gateway=gateway)
    if source.startswith("trr_"):
        source = fetch_reversed_transfer(gateway, source)
    kind = _kind(source)
    handler = find_handler(_EVENTS[kind]) if kind else None
    if handler is None:
        return False
    return handler(source, {}, gateway=gateway, settings=settings, clock=clock)


def _catch_up_fee(movement_id: str, *, gateway: Gateway) -> bool:
    """Book what Stripe charges on its own account: nothing stands behind such a movement."""
    seen = fetch_movement(gateway, movement_id)
    if seen.type not in _OWN_FEES:
        return False
    with transaction() as session:
        adopt_movement(session, seen, entries.stripe_fee(seen))
    return True


def _kind(source: str) -> str | None:
    prefix = source.partition("_")[0]
    return prefix if prefix in _EVENTS else None
