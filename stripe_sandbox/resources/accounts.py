"""Connected accounts (v2): recipients of transfers, ready once onboarded, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from stripe_sandbox.errors import ApiError, malformed
from stripe_sandbox.events import emit
from stripe_sandbox.forms import Params
from stripe_sandbox.objects import Json, new_id, public
from stripe_sandbox.routing import Call, ControlCall, control, route
from stripe_sandbox.store import Cursor, Store, index_fields, when_due

TYPE: Final = "v2.core.account"
CAPABILITY: Final = "stripe_balance.stripe_transfers"
OUTCOMES: Final = ("complete", "pending", "restricted")

_WRITABLE: Final = (
    "account_token configuration contact_email contact_phone dashboard defaults display_name"
    " identity include metadata"
)
_INCLUDABLE: Final = (
    "configuration.customer",
    "configuration.merchant",
    "configuration.recipient",
    "defaults",
    "future_requirements",
    "identity",
    "requirements",
)
_VERIFICATION_SECONDS: Final = 3600
_ONBOARDING: Final = (
    "identity.individual.given_name",
    "identity.individual.date_of_birth",
    "identity.individual.address",
    "identity.attestations.terms_of_service",
    "configuration.recipient.default_outbound_destination",
)
_DOCUMENT: Final = "identity.individual.documents.primary_verification"
_STATUS_DETAILS: Final = {
    "active": [],
    "pending": [{"code": "requirements_pending_verification", "resolution": "no_resolution"}],
    "restricted": [{"code": "requirements_past_due", "resolution": "provide_info"}],
}

index_fields(TYPE, "closed")


@route("POST", "/v2/core/accounts", params=_WRITABLE)
def create_account(call: Call) -> Json:
    account: Json = {
        "id": new_id("acct", 16),
        "object": TYPE,
        "applied_configurations": [],
        "closed": False,
        "configuration": {"customer": None, "merchant": None, "recipient": None},
        "contact_email": None,
        "contact_phone": None,
        "created": instant(call.now),
        "dashboard": "none",
        "defaults": {
            "currency": None,
            "locales": None,
            "profile": None,
            "responsibilities": {
                "fees_collector": "application",
                "losses_collector": "application",
                "requirements_collector": "stripe",
            },
        },
        "display_name": None,
        "future_requirements": None,
        "identity": {"country": None, "entity_type": None},
        "livemode": False,
        "metadata": {},
        "requirements": _requirements(()),
        "_created": call.now,
        "_asked": list(_ONBOARDING),
    }
    _write(account, call.params)
    call.store.add(account)
    _add_settings(call.store.on(account["id"]))
    return _shown(account, call.params)


@route("GET", "/v2/core/accounts", params="applied_configurations closed limit page")
def list_accounts(call: Call) -> Json:
    """List accounts in pages; v2 names the next page by its address."""
    limit = call.params.integer("limit") or 20
    closed = call.params.boolean("closed")
    page = call.store.page(
        TYPE, {"closed": str(closed)}, {}, Cursor(limit, call.params.text("page"), None)
    )
    wanted = set(call.params.texts("applied_configurations"))
    next_url = None
    if page.has_more:
        next_url = f"{call.url_path}?limit={limit}&page={page.rows[-1]['id']}"
        next_url += f"&closed={str(closed).lower()}" if "closed" in call.params else ""
        next_url += "".join(f"&applied_configurations[]={each}" for each in sorted(wanted))
    rows = [row for row in page.rows if wanted <= set(row["applied_configurations"])]
    return {"data": [_shown(row, Params({})) for row in rows], "next_page_url": next_url}


@route("GET", "/v2/core/accounts/<id>", params="include")
def retrieve_account(call: Call) -> Json:
    return _shown(get_account(call.store, call.arg()), call.params)


@route("POST", "/v2/core/accounts/<id>", params=_WRITABLE)
def update_account(call: Call) -> Json:
    account = get_account(call.store, call.arg())
    if account["closed"]:
        raise malformed("A closed account cannot be updated.", param="id")
    _write(account, call.params)
    _tell(call.store, account)
    return _shown(account, call.params)


@route("POST", "/v2/core/accounts/<id>/close", params="applied_configurations")
def close_account_by_api(call: Call) -> Json:
    return _shown(close_account(call.store, call.arg()), Params({}))


@route("GET", "/v1/accounts/<id>", params="")
def retrieve_v1_account(call: Call) -> Json:
    if call.arg() == call.store.transaction.own_account:
        return platform_account(call.store)
    return v1_account(get_account(call.store.platform, call.arg()))


@route("GET", "/v1/account", params="")
def retrieve_own_account(call: Call) -> Json:
    if not call.store.is_platform:
        return v1_account(get_account(call.store.platform, call.store.account))
    return platform_account(call.store)


@control("POST", "/_sandbox/accounts/<id>/onboard")
def onboard_by_control(call: ControlCall) -> Json:
    """End the onboarding: ``{"outcome": "complete" | "pending" | "restricted"}``."""
    outcome = call.params.choice("outcome", OUTCOMES) or "complete"
    with call.platform.transaction(base_url=call.base_url) as store:
        return public(onboard(store, call.arg(), outcome))


@control("POST", "/_sandbox/accounts/<id>/restrict")
def restrict_by_control(call: ControlCall) -> Json:
    with call.platform.transaction(base_url=call.base_url) as store:
        return public(onboard(store, call.arg(), "restricted"))


@control("POST", "/_sandbox/accounts/<id>/close")
def close_by_control(call: ControlCall) -> Json:
    with call.platform.transaction(base_url=call.base_url) as store:
        return public(close_account(store, call.arg()))


def get_account(store: Store, id_: str) -> Json:
    """Return a connected account, or refuse as v2 does."""
    if (account := store.find(id_, TYPE)) is None:
        raise ApiError(
            f"No such account: '{id_}'.", status=404, code="not_found", param="id", saved=False
        )
    return account


def transfers_status(account: Json) -> str | None:
    """Return the status of the capability to receive transfers, if it was asked for."""
    recipient = account["configuration"]["recipient"]
    if recipient is None or recipient["capabilities"] is None:
        return None
    status: str = recipient["capabilities"]["stripe_balance"]["stripe_transfers"]["status"]
    return status


def can_receive(account: Json) -> bool:
    return not account["closed"] and transfers_status(account) == "active"


def onboard(store: Store, id_: str, outcome: str) -> Json:
    """End an onboarding; the account may also be restricted long after it was ready."""
    account = get_account(store, id_)
    asked = {"complete": (), "pending": (), "restricted": (_DOCUMENT,)}[outcome]
    account["_asked"] = list(asked)
    store.unschedule("account_verified", id_)
    if outcome == "pending":
        store.schedule(store.now + _VERIFICATION_SECONDS, "account_verified", id_)
    _set_status(account, {"complete": "active"}.get(outcome, outcome))
    _tell(store, account)
    return account


@when_due("account_verified")
def verify(store: Store, id_: str) -> None:
    onboard(store, id_, "complete")


def close_account(store: Store, id_: str) -> Json:
    account = get_account(store, id_)
    account["closed"] = True
    account["_asked"] = []
    _set_status(account, "restricted")
    _tell(store, account)
    return account


def instant(seconds: int) -> str:
    """Return an instant as v2 writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def v1_account(account: Json) -> Json:
    """Return what v1, and its ``account.updated`` event, shows of a v2 account."""
    status = transfers_status(account)
    shown = {"active": "active", "pending": "pending"}.get(status or "", "inactive")
    asked = [] if status == "pending" else account["_asked"]
    return {
        "id": account["id"],
        "object": "account",
        "capabilities": {"transfers": shown} if status else {},
        "charges_enabled": False,
        "country": (account["identity"].get("country") or "").upper() or None,
        "created": account["_created"],
        "default_currency": account["defaults"]["currency"],
        "details_submitted": account["_asked"] != list(_ONBOARDING),
        "email": account["contact_email"],
        "metadata": account["metadata"],
        "payouts_enabled": can_receive(account),
        "requirements": {
            "alternatives": [],
            "current_deadline": None,
            "currently_due": asked,
            "disabled_reason": "requirements.past_due" if asked else None,
            "errors": [],
            "eventually_due": asked,
            "past_due": asked,
            "pending_verification": [],
        },
        "type": "none",
    }


def platform_account(store: Store) -> Json:
    """Return the account of the key itself."""
    return {
        "id": store.transaction.own_account,
        "object": "account",
        "business_profile": {"name": store.settings["business_name"]},
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": store.settings["country"],
        "default_currency": store.settings["default_currency"],
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def _write(account: Json, params: Params) -> None:
    for name in ("contact_email", "contact_phone", "dashboard", "display_name"):
        if name in params:
            account[name] = params.text(name)
    for name in ("identity", "defaults"):
        _merge(account[name], params.branch(name).values)
    account["metadata"] = params.metadata(account["metadata"])
    _write_recipient(account, params.branch("configuration"))


def _write_recipient(account: Json, configuration: Params) -> None:
    configuration.allow(("customer", "merchant", "recipient"))
    if configuration.values.get("recipient") is None:
        return
    recipient = configuration.branch("recipient")
    balance = recipient.branch("capabilities").branch("stripe_balance")
    transfers = balance.branch("stripe_transfers")
    if "recipient" not in account["applied_configurations"]:
        account["applied_configurations"].append("recipient")
        account["configuration"]["recipient"] = {"applied": True, "capabilities": None}
    if not transfers.boolean("requested"):
        return
    if not account["identity"].get("country"):
        raise malformed(
            "identity.country is required to request a capability.", param="identity.country"
        )
    if transfers_status(account) is None:
        _set_status(account, "restricted")


def _set_status(account: Json, status: str) -> None:
    if account["configuration"]["recipient"] is None:
        raise malformed("The account has no recipient configuration.", param="configuration")
    details: list[Json] = list(_STATUS_DETAILS[status])
    capability = {"status": status, "status_details": details}
    account["configuration"]["recipient"]["capabilities"] = {
        "bank_accounts": None,
        "cards": None,
        "stripe_balance": {"payouts": dict(capability), "stripe_transfers": capability},
    }
    account["requirements"] = _requirements(account["_asked"])


def _requirements(asked: tuple[str, ...] | list[str]) -> Json:
    return {
        "alternatives": None,
        "entries": [_requirement(description) for description in asked],
        "summary": {"minimum_deadline": {"status": "currently_due", "time": None}}
        if asked
        else None,
    }


def _requirement(description: str) -> Json:
    return {
        "awaiting_action_from": "user",
        "description": description,
        "errors": [],
        "impact": {
            "restricts_capabilities": [
                {
                    "capability": CAPABILITY,
                    "configuration": "recipient",
                    "deadline": {"status": "currently_due"},
                }
            ]
        },
        "minimum_deadline": {"status": "currently_due"},
        "reference": None,
        "requested_reasons": [{"code": "routine_onboarding"}],
    }


def _tell(store: Store, account: Json) -> None:
    store.save(account)
    emit(store.on(account["id"]), "account.updated", v1_account(account))


def _shown(account: Json, params: Params) -> Json:
    """Return the account with what ``include`` names; v2 leaves the rest null."""
    include = params.texts("include")
    for name in include:
        if name not in _INCLUDABLE:
            raise malformed(f"Invalid include: {name}", param="include")
    shown = public(account)
    for name in ("defaults", "future_requirements", "identity", "requirements"):
        if name not in include:
            shown[name] = None
    kept = {
        name: account["configuration"][name]
        for name in ("customer", "merchant", "recipient")
        if f"configuration.{name}" in include
    }
    empty = {"customer": None, "merchant": None, "recipient": None}
    shown["configuration"] = {**empty, **kept} if kept else None
    return shown


def _merge(kept: Json, given: Json) -> None:
    for name, value in given.items():
        before: Any = kept.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            _merge(before, value)
        else:
            kept[name] = value


def _add_settings(store: Store) -> None:
    """Begin a connected account's own life: its settings of payouts."""
    store.add(
        {
            "id": f"balance_settings_{store.account}",
            "object": "balance_settings",
            "_interval": "daily",
        }
    )
