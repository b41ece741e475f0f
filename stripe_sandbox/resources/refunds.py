"""Refunds: money back to a card, from what is available.

A refund takes from the available balance. If that is too little while the charge's own money
is still pending, it is taken from the pending balance, provided the balance as a whole covers
it; otherwise the refund waits, without a balance transaction, and is made in the order asked
as soon as money is there.
"""

from __future__ import annotations

from typing import Final

from stripe_sandbox.cards import RefundCourse
from stripe_sandbox.errors import ApiError, malformed, missing_param, refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.money import balance_of, move_money, on_funds
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.payment_methods import card_behind
from stripe_sandbox.routing import Call, ControlCall, control, route
from stripe_sandbox.store import Store, index_fields, when_due

index_fields("refund", "charge", "payment_intent", "_waits_for")

REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")


@route(
    "POST",
    "/v1/refunds",
    params="amount charge currency customer instructions_email metadata origin payment_intent"
    " reason refund_application_fee reverse_transfer",
)
def create_refund(call: Call) -> Json:
    reason = call.params.choice("reason", REASONS)
    metadata = call.params.metadata()
    charge = _charge_to_refund(call)
    amount = call.params.amount("amount") if "amount" in call.params else None
    return refund_charge(call.store, charge, amount, reason=reason, metadata=metadata)


def refund_charge(
    store: Store,
    charge: Json,
    amount: int | None = None,
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    """Give an amount of the charge back, or what is left of it."""
    amount = _refundable(charge, amount)
    refund = store.add(_new_refund(store, charge, amount, reason, metadata or {}))
    _take_money(store, refund, charge)
    store.save(refund)
    _count_refunded(store, charge, amount)
    emit(store, "refund.created", refund)
    emit(store, "charge.refunded", charge)
    return refund


def _charge_to_refund(call: Call) -> Json:
    charge_id, intent_id = call.params.text("charge"), call.params.text("payment_intent")
    if charge_id and intent_id:
        raise malformed(
            "You may only specify one of these parameters: charge, payment_intent.",
            param="payment_intent",
        )
    if charge_id:
        return call.store.get(charge_id, "charge", param="charge")
    if intent_id is None:
        raise missing_param("charge")
    intent = call.store.get(intent_id, "payment_intent", param="payment_intent")
    if intent["status"] != "succeeded":
        raise refused(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
        )
    return call.store.get(intent["latest_charge"], "charge")


def _refundable(charge: Json, amount: int | None) -> int:
    if not charge["paid"] or not charge["captured"]:
        raise refused(f"Charge {charge['id']} has no captured payment to refund.", param="charge")
    if charge["refunded"]:
        raise refused(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if charge.get("_charged_back"):
        raise refused(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if amount is None:
        return left
    if amount > left:
        raise refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    return amount


def _new_refund(
    store: Store, charge: Json, amount: int, reason: str | None, metadata: dict[str, str]
) -> Json:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "failure_balance_transaction": None,
        "charge": charge["id"],
        "created": store.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def _count_refunded(store: Store, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    store.save(charge)


def _take_money(store: Store, refund: Json, charge: Json) -> bool:
    """Take the refund's money and set its state, or have it wait; say whether it was taken."""
    amount, currency = refund["amount"], refund["currency"]
    available, pending = balance_of(store, currency)
    charged = store.get(charge["balance_transaction"], "balance_transaction")
    is_charge_pending = charged["status"] == "pending"
    if available < amount and not (is_charge_pending and available + pending >= amount):
        refund["pending_reason"] = "charge_pending" if is_charge_pending else "insufficient_funds"
        refund["_waits_for"] = currency
        return False
    transaction = move_money(
        store,
        type_="refund",
        amount=-amount,
        currency=currency,
        source=refund["id"],
        available_on=None if available >= amount else charged["available_on"],
        description=charge["description"],
    )
    refund["balance_transaction"] = transaction["id"]
    refund.pop("_waits_for", None)
    course = card_behind(store.get(refund["payment_method"], "payment_method")).refund
    if course == RefundCourse.PENDS:
        refund["pending_reason"] = "processing"
    else:
        refund["status"] = "succeeded"
        refund.pop("pending_reason", None)
    if course != RefundCourse.SUCCEEDS:
        instant = store.now + store.settings["refund_seconds"]
        kind = "refund_succeeds" if course == RefundCourse.PENDS else "refund_fails"
        store.schedule(instant, kind, refund["id"])
    return True


@on_funds
def retry_waiting_refunds(store: Store, currency: str) -> None:
    """Make the refunds that wait for money, in order, up to the first that must wait on."""
    for refund in store.select("refund", _waits_for=currency):
        before = {"status": refund["status"], "pending_reason": refund.get("pending_reason")}
        is_taken = _take_money(store, refund, store.get(refund["charge"], "charge"))
        if is_taken or refund.get("pending_reason") != before["pending_reason"]:
            store.save(refund)
            _tell_updated(store, refund, before)
        if not is_taken:
            return


@when_due("refund_succeeds")
def succeed_refund(store: Store, refund_id: str) -> None:
    refund = store.get(refund_id, "refund")
    if refund["status"] != "pending":
        return
    refund["status"] = "succeeded"
    refund.pop("pending_reason", None)
    store.save(refund)
    _tell_updated(store, refund, {"status": "pending", "pending_reason": "processing"})


@when_due("refund_fails")
def fail_refund(store: Store, refund_id: str) -> None:
    """Have the card's bank send the refund back: its money returns to the balance."""
    refund = store.get(refund_id, "refund")
    if refund["status"] not in {"pending", "succeeded"}:
        return
    before = {"status": refund["status"]}
    refund.update(status="failed", failure_reason="expired_or_canceled_card")
    refund.pop("pending_reason", None)
    refund.pop("_waits_for", None)
    if refund["balance_transaction"] is not None:
        returned = move_money(
            store,
            type_="refund_failure",
            amount=refund["amount"],
            currency=refund["currency"],
            source=refund["id"],
            description="REFUND FAILURE",
        )
        refund["failure_balance_transaction"] = returned["id"]
    store.save(refund)
    _count_refunded(store, store.get(refund["charge"], "charge"), -refund["amount"])
    emit(store, "refund.failed", refund)
    _tell_updated(store, refund, before)


def _tell_updated(store: Store, refund: Json, before: Json) -> None:
    emit(store, "refund.updated", refund, before)
    emit(store, "charge.refund.updated", refund, before)


@route("GET", "/v1/refunds/<id>", params="")
def retrieve_refund(call: Call) -> Json:
    return call.store.get(call.arg(), "refund")


@route("POST", "/v1/refunds/<id>", params="metadata")
def update_refund(call: Call) -> Json:
    refund = call.store.get(call.arg(), "refund")
    before = {"metadata": refund["metadata"]}
    refund["metadata"] = call.params.metadata(refund["metadata"])
    call.store.save(refund)
    _tell_updated(call.store, refund, before)
    return refund


@route("POST", "/v1/refunds/<id>/cancel", params="")
def cancel_refund(call: Call) -> Json:
    call.store.get(call.arg(), "refund")
    raise refused("Only a refund that requires action can be canceled; card refunds never do.")


@route("GET", "/v1/refunds", params=f"{LIST_PARAMS} charge created payment_intent")
def list_refunds(call: Call) -> Json:
    return list_objects(call, "refund", "charge", "payment_intent")


@control("POST", "/_sandbox/refunds/<id>/fail")
def fail_refund_on_request(call: ControlCall) -> Json:
    with call.platform.transaction() as store:
        refund = store.get(call.arg(), "refund")
        if refund["status"] not in {"pending", "succeeded"}:
            raise ApiError(f"Refund {call.arg()} is {refund['status']}; it cannot fail.")
        fail_refund(store, call.arg())
        return refund
