"""What must hold before money is asked for: our own Stripe account, and books that are current."""

import sqlalchemy as sa
import structlog

from octo.clock import Clock
from octo.config import Settings
from octo.database import db, reading, transaction
from octo.errors import N_, ConfigError, UnavailableError
from payments.gateway.client import Gateway
from payments.gateway.lists import fetch_own_account
from payments.models import BooksState, Reconciliation, StripePlatform
from payments.settings import StripeSettings

_log = structlog.get_logger()


class ReconcileFirstError(UnavailableError):
    """The database is behind Stripe: nothing is decided before someone has looked."""

    code = "reconcile_first"


class OtherStripeError(UnavailableError):
    """The key opens another Stripe account, or mode, than the one these books count."""

    code = "other_stripe"


def require_current_books() -> None:
    """Refuse to take or give back money on a database that has forgotten what it did."""
    with reading() as session:
        state = session.scalar(sa.select(Reconciliation.state))
    if state is BooksState.BEHIND_STRIPE:
        raise ReconcileFirstError(
            N_("Payments are paused while our books are checked. Nothing was taken.")
        )


def require_own_stripe(gateway: Gateway, *, settings: Settings, clock: Clock) -> None:
    """Make sure that the key opens the Stripe account whose money these books count.

    Asked once by each process; the first time ever, the account is written down. Raises
    ``OtherStripeError``, and ``StripeAwayError`` when Stripe cannot tell.
    """
    if gateway.is_known_to_be_ours:
        return
    account_id, is_live = fetch_own_account(gateway), settings.of(StripeSettings).is_live
    with transaction() as session:
        platform = session.get(StripePlatform, 1)
        if platform is None:
            platform = StripePlatform(
                id=1,
                stripe_account_id=account_id,
                is_live=is_live,
                met_at=clock.now(),
                noted={},
            )
            session.add(platform)
    if (platform.stripe_account_id, platform.is_live) != (account_id, is_live):
        _log.critical("other_stripe", ours=platform.stripe_account_id, key_opens=account_id)
        raise OtherStripeError(
            N_("The key opens the Stripe account %(found)s, but this database is of %(ours)s."),
            found=account_id,
            ours=platform.stripe_account_id,
        )
    gateway.is_known_to_be_ours = True


def refuse_other_mode(settings: Settings) -> None:
    """Refuse to start with a test key on books of real money, or the other way round.

    Raises ``ConfigError``. A database that has no tables yet, or does not answer, is not asked.
    """
    try:
        with db.engine.connect() as connection:
            if not sa.inspect(connection).has_table(StripePlatform.__tablename__):
                return
            is_live = connection.scalar(sa.select(StripePlatform.is_live))
    except sa.exc.OperationalError:
        return
    if is_live is not None and is_live is not settings.of(StripeSettings).is_live:
        books, key = ("real", "a test key") if is_live else ("test", "a live key")
        raise ConfigError(
            f"STRIPE_SECRET_KEY is {key}, but this database counts {books} money: "
            "use the other key, or another database"
        )
