"""Call Stripe: one method a call, an answer that says what is known, facts when reading.

A call that changes something is made through ``send`` alone, under the key of an attempt
that is already committed. Nothing here opens a transaction.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote

import stripe
from stripe import StripeClient

from campaigns.ports import PaymentsAwayError
from octo.errors import N_, NotFoundError
from payments.gateway import reading
from payments.gateway.endpoints import (
    ACCOUNTS,
    CHECKOUT_SESSIONS,
    PAYMENT_INTENTS,
    REFUNDS,
    TRANSFERS,
    endpoint_of,
)
from payments.gateway.facts import (
    AccountFact,
    Answer,
    CardFact,
    ChargeFact,
    CheckoutFact,
    DisputeFact,
    Done,
    EventFact,
    Fact,
    IntentFact,
    PayoutFact,
    Postponed,
    RefundFact,
    Refused,
    ReversalFact,
    TopupFact,
    TransferFact,
    Unknown,
)
from payments.gateway.reading import Seen
from payments.gateway.transport import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    PooledClient,
)
from payments.ledger.drafts import MovementFacts
from payments.models import AttemptKind
from payments.settings import StripeSettings

LONGEST_REQUEST_SECONDS: Final = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS
READ_RETRIES: Final = 2
PAGE: Final = 100
DEFAULT_RETRY_AFTER_SECONDS: Final = 2.0
REFUSED_KEY_RETRY_SECONDS: Final = 60.0
OBJECT_LOCKED: Final = "lock_timeout"

_BALANCE: Final = "balance_transaction"
_AWAY: Final = N_("Our payment provider does not answer. Nothing was taken: try again in a minute.")

T = TypeVar("T")


class StripeAwayError(PaymentsAwayError):
    """Stripe does not answer now, or not in a way that can be read."""


class UnknownToStripeError(NotFoundError):
    """Stripe has no such object under this key."""

    code = "unknown_to_stripe"


class Gateway:
    """The calls Octo makes to Stripe, on the platform's own account.

    ``is_known_to_be_ours`` once this process has seen that the key opens that very account.
    """

    def __init__(self, settings: StripeSettings) -> None:
        self._client = StripeClient(
            settings.secret_key,
            base_addresses={"api": settings.api_base},
            max_network_retries=0,
            http_client=PooledClient(settings.api_base, connections=settings.calls_in_flight),
        )
        self.is_known_to_be_ours = False

    def send(self, kind: AttemptKind, parameters: dict[str, Any], key: str) -> Answer:
        """Make the one call an attempt stands for, under its own key, exactly once.

        Never raises: what Stripe said, or that nobody knows, is the answer.
        """
        try:
            return Done(self._call(kind, parameters, idempotency_key=key))
        except stripe.CardError as error:
            code = reading.failure_code(error.error) or type(error).__name__
            return Refused(code, error.user_message or str(error), is_decline=True)
        except stripe.StripeError as error:
            return _answer_of(error)

    def _call(self, kind: AttemptKind, parameters: Mapping[str, Any], **options: Any) -> Fact:
        endpoint, asked = endpoint_of(kind), dict(parameters)
        named = endpoint.id_parameter
        path = endpoint.path.format(id=_quoted(asked.pop(named)) if named else "")
        if endpoint.expand:
            asked["expand"] = list(endpoint.expand)
        return endpoint.read(self._request("post", path, asked, **options))

    def _request(self, method: str, path: str, asked: dict[str, Any], **options: Any) -> Seen:
        return Seen(self._client.raw_request(method, path, **asked, **options).data)

    def get(self, path: str, object_id: str | None = None, **asked: Any) -> Seen:
        """Read one thing from Stripe; raises ``StripeAwayError`` or ``UnknownToStripeError``."""
        whole = path if object_id is None else f"{path}/{_quoted(object_id)}"
        return _ask(lambda: self._request("get", whole, asked, max_network_retries=READ_RETRIES))

    def put(self, path: str, **asked: Any) -> Seen:
        """Write what moves no money and may be written twice; raises as ``get`` does."""
        return _ask(lambda: self._request("post", path, asked, max_network_retries=READ_RETRIES))

    def each(
        self, path: str, read: Callable[[Any], T], *, since: datetime | None = None, **asked: Any
    ) -> Iterator[T]:
        """Read one of Stripe's lists, newest first, page after page; raises as ``get`` does.

        ``since`` is an instant of Stripe's ``created``; without it a list is read to its beginning.
        """
        if since is not None:
            asked["created"] = {"gte": int(since.timestamp())}
        while True:
            page = self.get(path, limit=PAGE, **asked)
            rows = page.data
            yield from map(read, rows)
            if not page.has_more:
                return
            if not rows:
                raise StripeAwayError(_AWAY)
            asked["starting_after"] = rows[-1].id

    def get_checkout(self, session_id: str) -> CheckoutFact:
        """Fetch a Checkout Session with its intent, charge and movement, or the card it saved."""
        expand = [f"payment_intent.latest_charge.{_BALANCE}", "setup_intent.payment_method"]
        return reading.checkout(self.get(CHECKOUT_SESSIONS, session_id, expand=expand))

    def get_intent(self, intent_id: str) -> IntentFact:
        """Fetch a PaymentIntent with its charge and movement."""
        expand = [f"latest_charge.{_BALANCE}"]
        return reading.present_intent(self.get(PAYMENT_INTENTS, intent_id, expand=expand))

    def list_intents(self, customer_id: str) -> Iterator[IntentFact]:
        """List every PaymentIntent of one customer."""
        expand = [f"data.latest_charge.{_BALANCE}"]
        return self.each(
            PAYMENT_INTENTS, reading.present_intent, customer=customer_id, expand=expand
        )

    def get_card(self, card_id: str) -> CardFact:
        """Fetch a card kept by Stripe."""
        return reading.present_card(self.get("/v1/payment_methods", card_id))

    def get_charge(self, charge_id: str) -> ChargeFact:
        """Fetch a charge with its movement."""
        return reading.listed_charge(self.get("/v1/charges", charge_id, expand=[_BALANCE]))

    def get_refund(self, refund_id: str) -> RefundFact:
        """Fetch a refund with its movements."""
        expand = [_BALANCE, "failure_balance_transaction"]
        return reading.refund(self.get(REFUNDS, refund_id, expand=expand))

    def list_refunds(self, charge_id: str) -> Iterator[RefundFact]:
        """List every refund of one charge."""
        expand = [f"data.{_BALANCE}"]
        return self.each(REFUNDS, reading.refund, charge=charge_id, expand=expand)

    def list_transfers(self, transfer_group: str) -> Iterator[TransferFact]:
        """List every transfer of one campaign."""
        expand = [f"data.{_BALANCE}"]
        return self.each(TRANSFERS, reading.transfer, transfer_group=transfer_group, expand=expand)

    def get_transfer(self, transfer_id: str) -> TransferFact:
        """Fetch a transfer with its movement."""
        return reading.transfer(self.get(TRANSFERS, transfer_id, expand=[_BALANCE]))

    def list_reversals(self, transfer_id: str) -> Iterator[ReversalFact]:
        """List every reversal of one transfer."""
        path = f"{TRANSFERS}/{_quoted(transfer_id)}/reversals"
        return self.each(path, reading.reversal, expand=[f"data.{_BALANCE}"])

    def get_dispute(self, dispute_id: str) -> DisputeFact:
        """Fetch a dispute with its movements."""
        return reading.dispute(self.get("/v1/disputes", dispute_id))

    def get_topup(self, topup_id: str) -> TopupFact:
        """Fetch a top-up with its movement."""
        return reading.topup(self.get("/v1/topups", topup_id, expand=[_BALANCE]))

    def get_payout(self, payout_id: str) -> PayoutFact:
        """Fetch a payout of the platform's own with its movements."""
        expand = [_BALANCE, "failure_balance_transaction"]
        return reading.payout(self.get("/v1/payouts", payout_id, expand=expand))

    def get_account(self, account_id: str) -> AccountFact:
        """Fetch a connected account and what it may receive."""
        include = ["configuration.recipient", "requirements"]
        return reading.account(self.get(ACCOUNTS, account_id, include=include))

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Make a fresh, short-lived link to Stripe's onboarding page.

        A link moves no money and a second one harms nothing, so no attempt stands behind it.
        """
        case = {
            "type": "account_onboarding",
            "account_onboarding": {"return_url": return_url, "refresh_url": refresh_url},
        }
        return str(self.put("/v2/core/account_links", account=account_id, use_case=case).url)

    def available_amount(self, currency: str) -> int:
        """Return the platform's available balance in one currency, in minor units."""
        available = self.get("/v1/balance").available
        return sum(one.amount for one in available if one.currency.upper() == currency)

    def list_movements(
        self, *, since: datetime | None = None, source: str | None = None
    ) -> Iterator[MovementFacts]:
        """List balance transactions, newest first, as constant memory as pages allow."""
        asked: dict[str, Any] = {} if source is None else {"source": source}
        return self.each("/v1/balance_transactions", _movement, since=since, **asked)

    def list_events(self, *, since: datetime) -> Iterator[EventFact]:
        """List events since an instant of Stripe's time, newest first, as Stripe has them."""
        return self.each("/v1/events", reading.event, since=since)


def _ask(call: Callable[[], T]) -> T:
    """Read from Stripe; raises ``StripeAwayError`` or ``UnknownToStripeError``."""
    try:
        return call()
    except stripe.InvalidRequestError as error:
        if error.http_status == HTTPStatus.NOT_FOUND:
            raise UnknownToStripeError(
                N_("Our payment provider does not know this object.")
            ) from error
        raise
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise StripeAwayError(_AWAY) from error


def _quoted(object_id: str) -> str:
    return quote(object_id, safe="")


def _movement(seen: Seen) -> MovementFacts:
    return reading.present(reading.movement(seen))


def _answer_of(error: stripe.StripeError) -> Answer:
    """Say what an error leaves known, by Stripe's own rules for its status codes."""
    code = error.code or type(error).__name__
    message = error.user_message or str(error)
    if isinstance(error, stripe.RateLimitError):
        return _too_fast(error, code)
    if error.http_status == HTTPStatus.CONFLICT or code == "idempotency_key_in_use":
        return Postponed(code, DEFAULT_RETRY_AFTER_SECONDS)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return Postponed(code, REFUSED_KEY_RETRY_SECONDS)
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None:
        return Unknown(f"{type(error).__name__}: {message}"[:500])
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, stripe.APIError):
        return Unknown(f"HTTP {status}: {message}"[:500], is_server_error=True)
    return Refused(code, message)


def _too_fast(error: stripe.RateLimitError, code: str) -> Postponed:
    """Read a 429: too many calls, or two at once about one object, which slows nobody else.

    https://docs.stripe.com/rate-limits: ``global-…`` reasons are of the whole account.
    """
    reason = str((error.headers or {}).get("Stripe-Rate-Limited-Reason", ""))
    return Postponed(
        code,
        _retry_after(error),
        is_too_fast=code != OBJECT_LOCKED,
        is_of_all=reason.startswith("global"),
    )


def _retry_after(error: stripe.StripeError) -> float:
    raw = str((error.headers or {}).get("Retry-After", ""))
    return float(raw) if raw.isdecimal() else DEFAULT_RETRY_AFTER_SECONDS
