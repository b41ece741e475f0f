"""Call Stripe: one method a call, an answer that says what is known, facts when reading.

A call that changes something is made through ``send`` alone, under the key of an attempt
that is already committed. Nothing here opens a transaction.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar

import stripe
from stripe import StripeClient

from campaigns.ports import PaymentsAwayError
from octo.config import StripeSettings
from octo.errors import N_, NotFoundError
from payments.gateway import reading
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
from payments.gateway.transport import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    PooledClient,
)
from payments.ledger.drafts import MovementFacts
from payments.models import AttemptKind

LONGEST_REQUEST_SECONDS: Final = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS
READ_RETRIES: Final = 2
PAGE: Final = 100
DEFAULT_RETRY_AFTER_SECONDS: Final = 2.0
REFUSED_KEY_RETRY_SECONDS: Final = 60.0
OBJECT_LOCKED: Final = "lock_timeout"

_BALANCE: Final = "balance_transaction"
_EXPAND: Final[dict[AttemptKind, list[str]]] = {
    AttemptKind.CHECKOUT_CREATE: [],
    AttemptKind.CHECKOUT_EXPIRE: [],
    AttemptKind.INTENT_CONFIRM: [f"latest_charge.{_BALANCE}"],
    AttemptKind.REFUND_CREATE: [_BALANCE, "failure_balance_transaction"],
    AttemptKind.TRANSFER_CREATE: [_BALANCE],
    AttemptKind.REVERSAL_CREATE: [_BALANCE],
}


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
        self._read: Any = {"max_network_retries": READ_RETRIES}
        self.is_known_to_be_ours = False

    def send(self, kind: AttemptKind, parameters: dict[str, Any], key: str) -> Answer:
        """Make the one call an attempt stands for, under its own key, exactly once.

        Never raises: what Stripe said, or that nobody knows, is the answer.
        """
        options: Any = {"idempotency_key": key}
        try:
            return Done(self._call(kind, dict(parameters), options))
        except stripe.CardError as error:
            code = reading.failure_code(error.error) or type(error).__name__
            return Refused(code, error.user_message or str(error), is_decline=True)
        except stripe.StripeError as error:
            return _answer_of(error)

    def _call(self, kind: AttemptKind, parameters: dict[str, Any], options: Any) -> Fact:
        if expand := _EXPAND.get(kind):
            parameters["expand"] = expand
        params: Any = parameters
        v1 = self._client.v1
        fact: Fact
        match kind:
            case AttemptKind.CHECKOUT_CREATE:
                fact = reading.checkout(v1.checkout.sessions.create(params, options))
            case AttemptKind.CHECKOUT_EXPIRE:
                session_id = parameters.pop("session")
                fact = reading.checkout(v1.checkout.sessions.expire(session_id, params, options))
            case AttemptKind.INTENT_CREATE | AttemptKind.INTENT_CONFIRM | AttemptKind.INTENT_CANCEL:
                fact = self._call_intent(kind, parameters, options)
            case AttemptKind.CARD_DETACH:
                card_id = parameters.pop("card")
                fact = _present(reading.card(v1.payment_methods.detach(card_id, params, options)))
            case AttemptKind.REFUND_CREATE:
                fact = reading.refund(v1.refunds.create(params, options))
            case AttemptKind.TRANSFER_CREATE:
                fact = reading.transfer(v1.transfers.create(params, options))
            case AttemptKind.REVERSAL_CREATE:
                transfer_id = parameters.pop("transfer")
                fact = reading.reversal(v1.transfers.reversals.create(transfer_id, params, options))
            case AttemptKind.ACCOUNT_CREATE:
                fact = reading.account(self._client.v2.core.accounts.create(params, options))
        return fact

    def _call_intent(
        self, kind: AttemptKind, parameters: dict[str, Any], options: Any
    ) -> IntentFact:
        intents = self._client.v1.payment_intents
        params: Any = parameters
        if kind is AttemptKind.INTENT_CREATE:
            return _present(reading.intent(intents.create(params, options)))
        intent_id = parameters.pop("intent")
        act = intents.confirm if kind is AttemptKind.INTENT_CONFIRM else intents.cancel
        return _present(reading.intent(act(intent_id, params, options)))

    def get_checkout(self, session_id: str) -> CheckoutFact:
        """Fetch a Checkout Session with its intent, charge and movement, or the card it saved."""
        expand = [f"payment_intent.latest_charge.{_BALANCE}", "setup_intent.payment_method"]
        return _ask(
            lambda: reading.checkout(
                self._client.v1.checkout.sessions.retrieve(
                    session_id, {"expand": expand}, self._read
                )
            )
        )

    def get_intent(self, intent_id: str) -> IntentFact:
        """Fetch a PaymentIntent with its charge and movement."""
        params: Any = {"expand": [f"latest_charge.{_BALANCE}"]}
        seen = _ask(lambda: self._client.v1.payment_intents.retrieve(intent_id, params, self._read))
        return _present(reading.intent(seen))

    def list_intents(self, customer_id: str) -> Iterator[IntentFact]:
        """List every PaymentIntent of one customer."""
        params: Any = {
            "customer": customer_id,
            "limit": PAGE,
            "expand": [f"data.latest_charge.{_BALANCE}"],
        }
        return _each(
            lambda: self._client.v1.payment_intents.list(params, self._read),
            lambda seen: _present(reading.intent(seen)),
        )

    def get_card(self, card_id: str) -> CardFact:
        """Fetch a card kept by Stripe."""
        seen = _ask(lambda: self._client.v1.payment_methods.retrieve(card_id, {}, self._read))
        return _present(reading.card(seen))

    def get_charge(self, charge_id: str) -> ChargeFact:
        """Fetch a charge with its movement."""
        params: Any = {"expand": [_BALANCE]}
        return _present(
            reading.charge(
                _ask(lambda: self._client.v1.charges.retrieve(charge_id, params, self._read))
            )
        )

    def get_refund(self, refund_id: str) -> RefundFact:
        """Fetch a refund with its movements."""
        params: Any = {"expand": [_BALANCE, "failure_balance_transaction"]}
        return reading.refund(
            _ask(lambda: self._client.v1.refunds.retrieve(refund_id, params, self._read))
        )

    def list_refunds(self, charge_id: str) -> Iterator[RefundFact]:
        """List every refund of one charge."""
        params: Any = {"charge": charge_id, "limit": PAGE, "expand": [f"data.{_BALANCE}"]}
        return _each(lambda: self._client.v1.refunds.list(params, self._read), reading.refund)

    def list_transfers(self, transfer_group: str) -> Iterator[TransferFact]:
        """List every transfer of one campaign."""
        params: Any = {
            "transfer_group": transfer_group,
            "limit": PAGE,
            "expand": [f"data.{_BALANCE}"],
        }
        return _each(lambda: self._client.v1.transfers.list(params, self._read), reading.transfer)

    def get_transfer(self, transfer_id: str) -> TransferFact:
        """Fetch a transfer with its movement."""
        params: Any = {"expand": [_BALANCE]}
        return reading.transfer(
            _ask(lambda: self._client.v1.transfers.retrieve(transfer_id, params, self._read))
        )

    def list_reversals(self, transfer_id: str) -> Iterator[ReversalFact]:
        """List every reversal of one transfer."""
        params: Any = {"limit": PAGE, "expand": [f"data.{_BALANCE}"]}
        return _each(
            lambda: self._client.v1.transfers.reversals.list(transfer_id, params, self._read),
            reading.reversal,
        )

    def get_dispute(self, dispute_id: str) -> DisputeFact:
        """Fetch a dispute with its movements."""
        return reading.dispute(
            _ask(lambda: self._client.v1.disputes.retrieve(dispute_id, {}, self._read))
        )

    def get_topup(self, topup_id: str) -> TopupFact:
        """Fetch a top-up with its movement."""
        params: Any = {"expand": [_BALANCE]}
        return reading.topup(
            _ask(lambda: self._client.v1.topups.retrieve(topup_id, params, self._read))
        )

    def get_payout(self, payout_id: str) -> PayoutFact:
        """Fetch a payout of the platform's own with its movements."""
        params: Any = {"expand": [_BALANCE, "failure_balance_transaction"]}
        return reading.payout(
            _ask(lambda: self._client.v1.payouts.retrieve(payout_id, params, self._read))
        )

    def get_account(self, account_id: str) -> AccountFact:
        """Fetch a connected account and what it may receive."""
        params: Any = {"include": ["configuration.recipient", "requirements"]}
        return reading.account(
            _ask(lambda: self._client.v2.core.accounts.retrieve(account_id, params, self._read))
        )

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Make a fresh, short-lived link to Stripe's onboarding page.

        A link moves no money and a second one harms nothing, so no attempt stands behind it.
        """
        params: Any = {
            "account": account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {
                    "return_url": return_url,
                    "refresh_url": refresh_url,
                },
            },
        }
        return str(_ask(lambda: self._client.v2.core.account_links.create(params, self._read)).url)

    def available_amount(self, currency: str) -> int:
        """Return the platform's available balance in one currency, in minor units."""
        balance = _ask(lambda: self._client.v1.balance.retrieve({}, self._read))
        return sum(one.amount for one in balance.available if one.currency.upper() == currency)

    def list_movements(
        self, *, since: datetime | None = None, source: str | None = None
    ) -> Iterator[MovementFacts]:
        """List balance transactions, newest first, as constant memory as pages allow."""
        params: Any = {"limit": PAGE}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        if source is not None:
            params["source"] = source
        return _each(
            lambda: self._client.v1.balance_transactions.list(params, self._read), _movement
        )

    def list_events(self, *, since: datetime) -> Iterator[EventFact]:
        """List events created since an instant of Stripe's time, newest first, as Stripe has them.

        Read past the SDK's objects: a page of them takes eight times as long as its JSON, and a
        deadline night has three events for each refund.
        """
        asked: dict[str, Any] = {"limit": PAGE, "created": {"gte": int(since.timestamp())}}
        while True:
            page = self.ask(
                lambda client, read: client.raw_request("get", "/v1/events", **asked, **read).data
            )
            yield from map(reading.event, page["data"])
            if not page["has_more"]:
                return
            asked["starting_after"] = page["data"][-1]["id"]

    def each(
        self, call: Callable[[StripeClient, Any], Any], read: Callable[[Any], T]
    ) -> Iterator[T]:
        """Read one of Stripe's lists page after page; raises on whichever page Stripe is away."""
        return _each(lambda: call(self._client, self._read), read)

    def ask(self, call: Callable[[StripeClient, Any], T]) -> T:
        """Read one thing from Stripe; raises ``StripeAwayError`` or ``UnknownToStripeError``."""
        return _ask(lambda: call(self._client, self._read))


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
        raise StripeAwayError(
            N_("Our payment provider does not answer. Nothing was taken: try again in a minute.")
        ) from error


def _each(call: Callable[[], Any], read: Callable[[Any], T]) -> Iterator[T]:
    """Read a list page after page; raises as ``_ask`` does, on whichever page it happens."""
    rows = _ask(call).auto_paging_iter()
    while (seen := _ask(lambda: next(rows, None))) is not None:
        yield read(seen)


def _movement(seen: Any) -> MovementFacts:
    return _present(reading.movement(seen))


def _present(fact: T | None) -> T:
    assert fact is not None, "Stripe answered without the object that was asked for"
    return fact


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
