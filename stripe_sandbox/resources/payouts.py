"""Payouts to a bank, asked for or by schedule, and the settings of that schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from stripe_sandbox.errors import refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.money import available, move_money, on_funds
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.routing import Call, ControlCall, control, route
from stripe_sandbox.store import Store, index_fields, when_due

INTERVALS: Final = ("daily", "manual", "monthly", "weekly")
_ARRIVAL_DAYS: Final = 2
_DAYS: Final = {"daily": 1, "weekly": 7, "monthly": 30}

index_fields("payout", "status", "destination")
index_fields("balance_settings")


@route("GET", "/v1/balance_settings", params="")
def retrieve_balance_settings(call: Call) -> Json:
    return _settings(call.store)


@route("POST", "/v1/balance_settings", params="payments")
def update_balance_settings(call: Call) -> Json:
    payments = call.params.branch("payments")
    payments.allow(("debit_negative_balances", "payouts", "settlement_timing"))
    payouts = payments.branch("payouts")
    payouts.allow(("minimum_balance_by_currency", "schedule", "statement_descriptor"))
    schedule = payouts.branch("schedule")
    schedule.allow(("interval", "monthly_payout_days", "weekly_payout_days"))
    if (interval := schedule.choice("interval", INTERVALS)) is not None:
        kept = _stored_settings(call.store)
        kept["_interval"] = interval
        call.store.save(kept)
    settings = _settings(call.store)
    emit(call.store, "balance_settings.updated", settings)
    return settings


@route(
    "POST",
    "/v1/payouts",
    params="amount currency description destination metadata method source_type"
    " statement_descriptor",
)
def create_payout(call: Call) -> Json:
    amount, currency = call.params.amount("amount"), call.params.currency()
    if available(call.store, currency) < amount:
        raise refused(
            "You have insufficient funds in your Stripe account for this transfer. Your card"
            " balance is too low. You can use the /v1/balance endpoint to view your Stripe"
            " balance.",
            code="balance_insufficient",
        )
    return _pay_out(
        call.store,
        amount,
        currency,
        description=call.params.text("description"),
        statement_descriptor=call.params.text("statement_descriptor", max_length=22),
        method=call.params.choice("method", ("instant", "standard")) or "standard",
        metadata=call.params.metadata(),
    )


@route("GET", "/v1/payouts", params=f"{LIST_PARAMS} arrival_date created destination status")
def list_payouts(call: Call) -> Json:
    return list_objects(call, "payout", "destination", "status")


@route("GET", "/v1/payouts/<id>", params="")
def retrieve_payout(call: Call) -> Json:
    return call.store.get(call.arg(), "payout")


@route("POST", "/v1/payouts/<id>", params="metadata")
def update_payout(call: Call) -> Json:
    payout = call.store.get(call.arg(), "payout")
    payout["metadata"] = call.params.metadata(payout["metadata"])
    call.store.save(payout)
    emit(call.store, "payout.updated", payout)
    return payout


@route("POST", "/v1/payouts/<id>/cancel", params="")
def cancel_payout(call: Call) -> Json:
    payout = call.store.get(call.arg(), "payout")
    if payout["status"] != "pending" or payout["automatic"]:
        raise refused(f"The payout {payout['id']} can no longer be canceled.")
    return _give_back(call.store, payout, status="canceled", type_="payout_cancel")


@control("POST", "/_sandbox/payouts/<id>/fail")
def fail_by_control(call: ControlCall) -> Json:
    """Have the bank send a payout back, also after it was paid."""
    with call.platform.transaction(base_url=call.base_url) as store:
        account = call.params.text("account")
        owner = store.on(account) if account else store
        payout = owner.get(call.arg(), "payout")
        if payout["status"] not in {"pending", "in_transit", "paid"}:
            raise refused(f"The payout {payout['id']} is {payout['status']}.")
        payout["failure_code"] = "account_closed"
        payout["failure_message"] = "The bank account has been closed."
        return _give_back(owner, payout, status="failed", type_="payout_failure")


@when_due("payout_arrives")
def arrive(store: Store, id_: str) -> None:
    payout = store.get(id_, "payout")
    payout["status"] = "paid"
    store.save(payout)
    emit(store, "payout.paid", payout)


@on_funds
def plan_payout(store: Store, currency: str) -> None:
    """Plan a payout when there is money and the schedule is not manual."""
    if interval_of(store) != "manual":
        store.schedule(_next_run(store), "payout_run", currency)


@when_due("payout_run")
def run_payout(store: Store, currency: str) -> None:
    """Pay out everything available, as an automatic schedule does."""
    amount = available(store, currency)
    if interval_of(store) != "manual" and amount > 0:
        _pay_out(store, amount, currency, description="STRIPE PAYOUT", automatic=True)


def interval_of(store: Store) -> str:
    """Return the schedule; the platform's own is manual until someone changes it."""
    kept = store.find(f"balance_settings_{store.account}", "balance_settings")
    if kept is None:
        return "manual" if store.is_platform else "daily"
    interval: str = kept["_interval"]
    return interval


def _stored_settings(store: Store) -> Json:
    id_ = f"balance_settings_{store.account}"
    kept = store.find(id_, "balance_settings")
    if kept is None:
        kept = {"id": id_, "object": "balance_settings", "_interval": interval_of(store)}
        store.add(kept)
    return kept


def _settings(store: Store) -> Json:
    interval = interval_of(store)
    schedule: Json = {"interval": interval}
    if interval == "weekly":
        schedule["weekly_payout_days"] = ["monday"]
    if interval == "monthly":
        schedule["monthly_payout_days"] = [1]
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": False,
            "payouts": {
                "minimum_balance_by_currency": None,
                "schedule": schedule,
                "statement_descriptor": None,
                "status": "enabled",
            },
            "settlement_timing": {"delay_days": store.settings["pending_days"]},
        },
    }


def _next_run(store: Store) -> int:
    midnight = datetime.fromtimestamp(store.now, UTC).replace(hour=0, minute=0, second=0)
    days = _DAYS[interval_of(store)]
    return int((midnight + timedelta(days=days)).timestamp())


def _pay_out(
    store: Store,
    amount: int,
    currency: str,
    *,
    description: str | None = None,
    statement_descriptor: str | None = None,
    method: str = "standard",
    metadata: dict[str, str] | None = None,
    automatic: bool = False,
) -> Json:
    arrival = store.now + _ARRIVAL_DAYS * 86_400
    payout: Json = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": store.now,
        "currency": currency,
        "description": description,
        "destination": f"ba_{store.account.removeprefix('acct_')}",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata or {},
        "method": method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": statement_descriptor,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    movement = move_money(
        store,
        type_="payout",
        amount=-amount,
        currency=currency,
        source=payout["id"],
        description=description,
    )
    payout["balance_transaction"] = movement["id"]
    store.add(payout)
    store.schedule(arrival, "payout_arrives", payout["id"])
    emit(store, "payout.created", payout)
    return payout


def _give_back(store: Store, payout: Json, *, status: str, type_: str) -> Json:
    store.unschedule("payout_arrives", payout["id"])
    movement = move_money(
        store,
        type_=type_,
        amount=payout["amount"],
        currency=payout["currency"],
        source=payout["id"],
        reporting_category="payout_reversal",
    )
    payout["failure_balance_transaction"] = movement["id"]
    payout["status"] = status
    store.save(payout)
    emit(store, f"payout.{status}", payout)
    return payout
