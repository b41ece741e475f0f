"""Take in what Stripe says of a connected account."""

from datetime import datetime
from typing import Final

from payments.gateway.facts import AccountFact
from payments.models import ConnectedAccount, OwnerReadiness

_READINESS: Final = {"active": OwnerReadiness.ACTIVE, "pending": OwnerReadiness.PENDING}


def record_account(account: ConnectedAccount, seen: AccountFact, *, at: datetime) -> None:
    """Take in what Stripe says of a connected account; readiness can be lost again at any time.

    A closed account stays closed: its owner begins anew, with another.
    """
    account.stripe_account_id = seen.id
    account.checked_at = at
    account.readiness = readiness_of(seen)


def readiness_of(seen: AccountFact) -> OwnerReadiness:
    """Return whether Stripe lets an account be paid; a state we do not know is a no."""
    if seen.is_closed:
        return OwnerReadiness.CLOSED
    return _READINESS.get(seen.transfers_status, OwnerReadiness.RESTRICTED)
