"""Cover: what the Stripe balance leaves once all that is owed of it is served."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from payments.accounting import chart
from payments.ledger import accounts
from payments.ledger.balances import balances_of


@dataclass(frozen=True)
class Cover:
    """What the Stripe balance leaves once everybody else is served; in minor units.

    Below zero, somebody's refund would be paid with another's money.
    """

    currency: str
    stripe_balance: int
    owed_amount: int

    @property
    def amount(self) -> int:
        """Return the cover: what a platform payout may take at most."""
        return self.stripe_balance - self.owed_amount


def cover(session: Session, currency: str = "EUR") -> Cover:
    """Weigh the Stripe balance against all that others are owed of it."""
    return cover_of(balances_of(session, currency), currency)


def cover_of(balances: Mapping[str, int], currency: str) -> Cover:
    """Weigh the Stripe balance, among all balances, against what the chart says is owed of it."""
    owed = sum(
        balance
        for account, balance in balances.items()
        if accounts.get_kind(account).is_owed_from_stripe
    )
    return Cover(currency, balances.get(chart.STRIPE_BALANCE, 0), -owed)
