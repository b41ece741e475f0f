"""Where each kind of call goes at Stripe, and what it does there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from payments.gateway.facts import Fact
from payments.gateway.reading import Seen
from payments.models import AttemptKind

CHECKOUT_SESSIONS: Final = "/v1/checkout/sessions"
PAYMENT_INTENTS: Final = "/v1/payment_intents"
REFUNDS: Final = "/v1/refunds"
TRANSFERS: Final = "/v1/transfers"
ACCOUNTS: Final = "/v2/core/accounts"


@dataclass(frozen=True)
class Endpoint:
    """One of Stripe's endpoints, as one kind of attempt uses it.

    ``id_parameter`` names the parameter that stands in the path, ``expand`` what the answer holds
    whole. A call that does not ``create`` an object changes one, which carries our ids already.
    One that moves money waits until the books were just compared with Stripe.
    """

    path: str
    read: Callable[[Seen], Fact]
    moves_money: bool
    id_parameter: str = ""
    expand: tuple[str, ...] = ()
    creates: bool = True


_ENDPOINTS: Final[dict[AttemptKind, Endpoint]] = {}


def add_endpoint(kind: AttemptKind, endpoint: Endpoint) -> None:
    """Have attempts of this kind sent to ``endpoint``; a kind has one."""
    known = _ENDPOINTS.setdefault(kind, endpoint)
    assert known is endpoint, f"{kind} goes to {known.path} already"


def endpoint_of(kind: AttemptKind) -> Endpoint:
    """Return where attempts of this kind are sent."""
    return _ENDPOINTS[kind]


def kinds_without_money() -> Iterator[AttemptKind]:
    """Yield the kinds of call that move no money, which may be made on books in doubt."""
    return (kind for kind, endpoint in _ENDPOINTS.items() if not endpoint.moves_money)
