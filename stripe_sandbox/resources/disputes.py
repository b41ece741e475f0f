"""Disputes: a backer's bank takes the money back with a fee, or only inquires."""

from __future__ import annotations

from typing import Any, Final

from stripe_sandbox.cards import Card
from stripe_sandbox.errors import refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.money import move_money
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.charges import on_charge
from stripe_sandbox.routing import Call, ControlCall, control, route
from stripe_sandbox.store import Store, index_fields, when_due

KINDS: Final = ("fraudulent", "inquiry")
_ANSWER_DAYS: Final = 9
_OPEN: Final = (
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_under_review",
)
_TEXTS: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
_FILES: Final = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)

index_fields("dispute", "charge", "payment_intent")


@route("GET", "/v1/disputes", params=f"{LIST_PARAMS} charge created payment_intent")
def list_disputes(call: Call) -> Json:
    return list_objects(call, "dispute", "charge", "payment_intent")


@route("GET", "/v1/disputes/<id>", params="")
def retrieve_dispute(call: Call) -> Json:
    return call.store.get(call.arg(), "dispute")


@route("POST", "/v1/disputes/<id>", params="evidence metadata submit")
def update_dispute(call: Call) -> Json:
    """Take evidence in; Stripe's two magic words decide a test dispute when it is submitted."""
    dispute = call.store.get(call.arg(), "dispute")
    evidence = call.params.branch("evidence")
    evidence.allow((*_TEXTS, *_FILES, "enhanced_evidence"))
    given = {name: evidence.text(name, max_length=20_000) for name in evidence}
    dispute["evidence"] |= given
    dispute["evidence_details"]["has_evidence"] = any(
        dispute["evidence"][name] for name in (*_TEXTS, *_FILES)
    )
    dispute["metadata"] = call.params.metadata(dispute["metadata"])
    if call.params.boolean("submit", default=bool(given)) and dispute["status"] in _OPEN:
        _submit(dispute)
    call.store.save(dispute)
    emit(call.store, "charge.dispute.updated", dispute)
    word = dispute["evidence"]["uncategorized_text"]
    if word in {"winning_evidence", "losing_evidence"}:
        settle_dispute(call.store, dispute, is_won=word == "winning_evidence")
    return dispute


@route("POST", "/v1/disputes/<id>/close", params="")
def close_dispute(call: Call) -> Json:
    return settle_dispute(call.store, call.store.get(call.arg(), "dispute"), is_won=False)


@control("POST", "/_sandbox/charges/<id>/dispute")
def open_by_control(call: ControlCall) -> Json:
    """Open a dispute: ``{"kind": "fraudulent" | "inquiry", "amount": n}``."""
    kind = call.params.choice("kind", KINDS) or "fraudulent"
    with call.platform.transaction(base_url=call.base_url) as store:
        charge = store.get(call.arg(), "charge")
        return open_dispute(store, charge, kind, amount=call.params.integer("amount"))


@control("POST", "/_sandbox/disputes/<id>/<verdict>")
def settle_by_control(call: ControlCall) -> Json:
    """End a dispute with ``win`` or ``lose``, or turn an inquiry into one with ``escalate``."""
    with call.platform.transaction(base_url=call.base_url) as store:
        return decide_dispute(store, store.get(call.arg(), "dispute"), call.arg("verdict"))


@on_charge
def plan_dispute(store: Store, charge: Json, card: Card) -> None:
    """Have a card that disputes do so once its payment is complete."""
    if card.dispute is not None:
        charge["_dispute"] = str(card.dispute)
        store.save(charge)
        store.schedule(store.now, "dispute", charge["id"])


@when_due("dispute")
def open_when_due(store: Store, charge_id: str) -> None:
    charge = store.get(charge_id, "charge")
    open_dispute(store, charge, charge["_dispute"])


def open_dispute(store: Store, charge: Json, kind: str, *, amount: int | None = None) -> Json:
    """Contest a charge: a chargeback takes the money at once, an inquiry takes nothing."""
    if not charge["paid"] or charge["disputed"]:
        raise refused(f"The charge {charge['id']} cannot be disputed.", param="charge")
    is_inquiry = kind == "inquiry"
    dispute = _new_dispute(store, charge, amount or charge["amount"], is_inquiry=is_inquiry)
    store.add(dispute)
    charge["disputed"] = True
    store.save(charge)
    emit(store, "charge.dispute.created", dispute)
    if not is_inquiry:
        _withdraw(store, dispute)
    return dispute


def decide_dispute(store: Store, dispute: Json, verdict: str) -> Json:
    if verdict == "escalate":
        return escalate(store, dispute)
    if verdict not in {"win", "lose"}:
        raise refused(f"A dispute is decided by win, lose or escalate, not by {verdict}.")
    return settle_dispute(store, dispute, is_won=verdict == "win")


def settle_dispute(store: Store, dispute: Json, *, is_won: bool) -> Json:
    """End a dispute: won, the amount comes back and may be refunded; the fee does not."""
    if dispute["status"] not in _OPEN:
        raise refused("This dispute is already closed.", code="dispute_already_closed")
    if dispute["status"].startswith("warning_"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if is_won else "lost"
    if dispute["status"] == "won":
        _mark_charged_back(store, dispute, is_so=False)
        _move(store, dispute, dispute["amount"], fee=0, category="dispute_reversal")
        emit(store, "charge.dispute.funds_reinstated", dispute)
    store.save(dispute)
    emit(store, "charge.dispute.closed", dispute)
    return dispute


def escalate(store: Store, dispute: Json) -> Json:
    """Turn an inquiry into a chargeback."""
    if dispute["status"] not in {"warning_needs_response", "warning_under_review"}:
        raise refused("Only an open inquiry can become a chargeback.")
    dispute["status"] = "needs_response"
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    emit(store, "charge.dispute.updated", dispute)
    _withdraw(store, dispute)
    return dispute


def _withdraw(store: Store, dispute: Json) -> None:
    dispute["is_charge_refundable"] = False
    _mark_charged_back(store, dispute, is_so=True)
    fee = store.settings["dispute_fee_amount"]
    _move(store, dispute, -dispute["amount"], fee=fee, category="dispute")
    emit(store, "charge.dispute.funds_withdrawn", dispute)


def _mark_charged_back(store: Store, dispute: Json, *, is_so: bool) -> None:
    charge = store.get(dispute["charge"], "charge")
    charge["_charged_back"] = is_so
    store.save(charge)


def _move(store: Store, dispute: Json, amount: int, *, fee: int, category: str) -> None:
    movement = move_money(
        store,
        type_="adjustment",
        amount=amount,
        currency=dispute["currency"],
        source=dispute["id"],
        fee=fee,
        fee_description="Dispute fee",
        reporting_category=category,
        description=f"Dispute of {dispute['charge']}",
    )
    dispute["balance_transactions"].append(dict(movement))
    store.save(dispute)


def _submit(dispute: Json) -> None:
    is_inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = "manual"


def _new_dispute(store: Store, charge: Json, amount: int, *, is_inquiry: bool) -> Json:
    evidence: dict[str, Any] = dict.fromkeys((*_TEXTS, *_FILES))
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": store.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**evidence, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": store.now + _ANSWER_DAYS * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": "manual",
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": "visa",
                "network_reason_code": "10.4",
            },
        },
        "reason": "fraudulent",
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }
