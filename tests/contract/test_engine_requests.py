"""Every request the engine sends has parameters of the SDK's typed dictionaries, of their types."""

import copy
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.models import Collection
from payments.gateway.client import Gateway
from payments.gateway.runtime import payments_runtime
from stripe_sandbox.client import SandboxClient
from tests.contract.sdk_routes import find_route
from tests.contract.sdk_types import Comparison, compare_request
from tests.make import Make
from tests.moment import Moment

DECLINED = "4000000000000002"
DECLINED_LATER = "4000000000000341"
DISPUTED = "4000000000000259"
SENT = {
    ("POST", "/v1/checkout/sessions"),
    ("POST", "/v1/checkout/sessions/{session}/expire"),
    ("POST", "/v1/payment_intents"),
    ("POST", "/v1/payment_intents/{intent}/confirm"),
    ("POST", "/v1/payment_intents/{intent}/cancel"),
    ("POST", "/v1/payment_methods/{payment_method}/detach"),
    ("POST", "/v1/refunds"),
    ("POST", "/v1/transfers"),
    ("POST", "/v2/core/accounts"),
    ("POST", "/v2/core/account_links"),
    ("GET", "/v1/balance"),
    ("GET", "/v1/balance_transactions"),
    ("GET", "/v1/checkout/sessions/{session}"),
    ("GET", "/v1/disputes/{dispute}"),
    ("GET", "/v1/payment_intents"),
    ("GET", "/v1/payment_methods/{payment_method}"),
    ("GET", "/v1/refunds"),
    ("GET", "/v1/transfers"),
    ("GET", "/v2/core/accounts/{id}"),
}
# What the test itself asks of Stripe, as an operator would in the dashboard.
OF_THE_TEST = ["/v1/topups", "/v1/payouts"]
EXAMPLES: dict[str, Any] = {
    "/v1/refunds": {
        "method": "POST",
        "path": "/v1/refunds",
        "params": {"charge": "ch_1", "amount": "1250", "metadata": {"octo_subject": "ref_1"}},
    },
    "/v1/transfers": {
        "method": "POST",
        "path": "/v1/transfers",
        "params": {"amount": "1250", "currency": "eur", "destination": "acct_1"},
    },
    "/v2/core/accounts": {
        "method": "POST",
        "path": "/v2/core/accounts",
        "params": {"display_name": "La Recyclerie", "dashboard": "express"},
    },
}


def play_campaigns(make: Make, moment: Moment) -> None:
    """Play campaigns that succeed and one that fails, with a page left open and bad cards."""
    saves = make.live_campaign(goal=50_00, days=10, collection=Collection.ON_SUCCESS)
    make.pledge(saves, 60_00, tip=2_00)
    make.pledge(saves, 20_00, card=DECLINED_LATER)
    succeeds, fails = make.live_campaign(goal=50_00, days=10), make.live_campaign(days=10)
    make.pledge(succeeds, 60_00, tip=2_00)
    make.pledge(succeeds, 20_00, card=DISPUTED)
    make.pledge(fails, 15_00)
    declined = make.open_checkout(make.pending_pledge(fails, 15_00))
    moment.sandbox.pay(declined, card=DECLINED)
    moment.sandbox.post("/v1/topups", amount=500_00, currency="eur")
    moment.advance(days=10, seconds=-600)
    make.open_checkout(make.pending_pledge(fails, 15_00))
    for days in (0.01, 5, 5):
        moment.advance(days=days)
        make.work()


def read_everything(gateway: Gateway, sandbox: SandboxClient) -> None:
    """Ask, through the gateway, for one object of each kind it can read."""
    ids = {
        name: [each["id"] for each in sandbox.every(f"/v1/{name}")]
        for name in (
            *("charges", "payment_intents", "refunds", "transfers", "disputes", "topups"),
            *("customers", "setup_intents"),
        )
    }
    payout = sandbox.post("/v1/payouts", amount=1_00, currency="eur")
    gateway.get_charge(ids["charges"][0])
    gateway.get_intent(ids["payment_intents"][0])
    gateway.get_card(sandbox.get(f"/v1/setup_intents/{ids['setup_intents'][0]}")["payment_method"])
    gateway.get_refund(ids["refunds"][0])
    gateway.get_transfer(ids["transfers"][0])
    gateway.get_dispute(ids["disputes"][0])
    gateway.get_topup(ids["topups"][0])
    gateway.get_payout(payout["id"])
    gateway.available_amount("EUR")
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    for listed in (
        gateway.list_intents(ids["customers"][0]),
        gateway.list_refunds(ids["charges"][0]),
        gateway.list_transfers("cmp_1"),
        gateway.list_reversals(ids["transfers"][0]),
        gateway.list_movements(since=epoch, source=ids["charges"][0]),
        gateway.list_events(since=epoch),
    ):
        list(listed)


@pytest.fixture
def requests(make: Make, moment: Moment) -> list[Any]:
    """Play, read, and give the log of what the engine sent."""
    play_campaigns(make, moment)
    read_everything(payments_runtime().gateway, moment.sandbox)
    return moment.sandbox.requests()


def compare_all(requests: Iterable[Any]) -> Comparison:
    """Compare the parameters of requests with the typed dictionaries of the SDK's calls."""
    whole = Comparison()
    for request in requests:
        route = find_route(request["method"], request["path"])
        if route is None:
            whole.fail(f"{request['method']} {request['path']}", "is no call of the SDK")
            continue
        is_json = request["method"] == "POST" and request["path"].startswith("/v2/")
        one = Comparison(form=not is_json)
        compare_request(route, request["params"], one)
        whole.absorb(one)
        whole.request_count += 1
    return whole


@pytest.mark.slow
def test_every_request_has_parameters_of_the_sdk(requests: list[Any]) -> None:
    comparison = compare_all(requests)

    print(  # noqa: T201  # how much was compared is part of the proof
        f"\ncompared {comparison.request_count} requests of the engine:"
        f" {comparison.field_count} parameters"
    )
    played = {(each["method"], route_path(each)) for each in requests}
    assert {(method, blank(path)) for method, path in SENT} - played == set()
    assert comparison.mismatches == []
    assert comparison.request_count > 50
    assert comparison.field_count > 100


@pytest.mark.slow
def test_every_post_has_a_key_and_no_metadata_names_anyone(requests: list[Any]) -> None:
    posts = [each for each in requests if each["method"] == "POST"]
    metadata = [values for request in requests for values in metadata_in(request["params"])]

    assert [each["path"] for each in posts if not each["idempotency_key"]] == OF_THE_TEST
    assert metadata
    assert not any("@" in value for values in metadata for value in values.values())


@pytest.mark.parametrize(
    ("path", "name", "planted", "complaint"),
    [
        ("/v1/refunds", "raison", "goal_missed", "parameter raison is not in RefundCreateParams"),
        ("/v1/refunds", "amount", "12.50", "is not <class 'int'>"),
        ("/v2/core/accounts", "dashboard", "huge", "is not one of"),
        ("/v1/refunds", "metadata", "octo", "is not"),
        ("/v1/transfers", "currency", {"code": "eur"}, "is not <class 'str'>"),
        ("/v2/core/accounts", "display_name", 12, "is not <class 'str'>"),
    ],
)
def test_planted_wrong_parameter_turns_the_check_red(
    path: str, name: str, planted: object, complaint: str
) -> None:
    request = copy.deepcopy(EXAMPLES[path])
    assert compare_all([request]).mismatches == []

    request["params"][name] = planted

    assert any(complaint in mismatch for mismatch in compare_all([request]).mismatches)


def test_planted_missing_parameter_turns_the_check_red() -> None:
    request = copy.deepcopy(EXAMPLES["/v1/transfers"])

    del request["params"]["destination"]

    [mismatch] = compare_all([request]).mismatches
    assert mismatch.endswith("parameter destination of TransferCreateParams is missing")


def test_call_the_sdk_does_not_know_turns_the_check_red() -> None:
    [mismatch] = compare_all([{"method": "POST", "path": "/v1/reimbursements"}]).mismatches

    assert mismatch == "POST /v1/reimbursements: is no call of the SDK"


def route_path(request: Any) -> str:
    """Name the call a request made, its parts forgotten."""
    route = find_route(request["method"], request["path"])
    return "" if route is None else blank(route.path)


def blank(path: str) -> str:
    """Forget how a path names its parts."""
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


def metadata_in(params: Any) -> Iterable[dict[str, str]]:
    """Find every metadata, however deep."""
    if isinstance(params, dict):
        for name, value in params.items():
            if name == "metadata":
                yield value
            else:
                yield from metadata_in(value)
