"""Every object the sandbox returns has the fields and the types of the SDK's classes."""

import copy
import re
from typing import Any

import pytest
import stripe
from stripe._object_classes import get_object_class

import stripe_sandbox.resources  # noqa: F401  # fills the table of routes
from stripe_sandbox.client import SandboxClient
from stripe_sandbox.routing import URLS
from tests.contract.recorder import Exchange, RecordingClient
from tests.contract.sdk_routes import Route, find_route
from tests.contract.sdk_types import Comparison, annotations_of, compare_answer, compare_object
from tests.contract.tour import take_tour

OK = 200


@pytest.fixture
def exchanges(sandbox: SandboxClient) -> list[Exchange]:
    """Take the tour, and give all that crossed the wire."""
    recorder = RecordingClient()
    api = stripe.StripeClient(
        sandbox.key,
        base_addresses={"api": sandbox.url},
        http_client=recorder,
        max_network_retries=0,
    )
    take_tour(api, sandbox)
    return recorder.exchanges


def answered(exchanges: list[Exchange]) -> list[tuple[Route, Any]]:
    """Pair every answer that is not an error with the SDK's call that gets it."""
    pairs = []
    for exchange in exchanges:
        if exchange.status != OK:
            continue
        route = find_route(exchange.method, exchange.path)
        assert route is not None, f"the SDK has no call {exchange.method} {exchange.path}"
        pairs.append((route, exchange.answer))
    return pairs


def compare_all(pairs: list[tuple[Route, Any]]) -> Comparison:
    """Compare answers, and the objects inside events, with the SDK's classes."""
    comparison = Comparison()
    for route, answer in pairs:
        if answer.get("deleted"):
            assert answer.keys() == {"id", "object", "deleted"}, answer
            continue
        compare_answer(route, answer, comparison)
        rows = answer.get("data", []) if answer.get("object") == "list" else [answer]
        for event in (row for row in rows if row.get("object") == "event"):
            about = event["data"]["object"]
            compare_object(about, get_object_class("V1", about["object"]), comparison)
    return comparison


def test_every_object_has_the_fields_and_types_of_the_sdk(exchanges: list[Exchange]) -> None:
    comparison = compare_all(answered(exchanges))

    print(  # noqa: T201  # how much was compared is part of the proof
        f"\ncompared {len(exchanges)} answers: {comparison.object_count} objects,"
        f" {comparison.field_count} fields; {len(comparison.absent)} optional fields are absent"
    )
    assert comparison.mismatches == []
    assert comparison.object_count > 500
    assert comparison.field_count > 5_000


def test_tour_visits_every_call_of_the_sandbox(exchanges: list[Exchange]) -> None:
    matcher = URLS.bind("sandbox")
    visited = {(each.method, matcher.match(each.path, each.method)[0].rule) for each in exchanges}

    callable_ones = {
        (method, rule.rule)
        for rule in URLS.iter_rules()
        for method in rule.methods or ()
        if method != "HEAD" and find_route(method, re.sub("[<>]", "", rule.rule))
    }
    assert len(callable_ones) > 70
    assert callable_ones - visited == set()


def test_errors_have_the_shape_the_sdk_reads(exchanges: list[Exchange]) -> None:
    errors = [each.answer["error"] for each in exchanges if each.status != OK]

    known = annotations_of(stripe.ErrorObject).keys()
    assert errors
    for error in errors:
        assert error.keys() <= known
        assert {"type", "message"} <= error.keys()


@pytest.mark.parametrize(
    ("path", "planted", "complaint"),
    [
        ("amount", "1000", "is not <class 'int'>"),
        ("amount", True, "is not <class 'int'>"),
        ("is_paid", True, "has no field is_paid"),
        ("currency", None, "is not <class 'str'>"),
        ("metadata", {"count": 3}, "is not <class 'str'>"),
        ("outcome", {"risk_level": 7}, "is not"),
        ("balance_transaction", {"id": "txn_1"}, "BalanceTransaction.net is missing"),
    ],
)
def test_planted_wrong_field_turns_the_check_red(
    exchanges: list[Exchange], path: str, planted: object, complaint: str
) -> None:
    charges = [pair for pair in answered(exchanges) if pair[1].get("object") == "charge"]
    route, answer = copy.deepcopy(charges[0])

    answer[path] = planted

    assert any(complaint in mismatch for mismatch in compare_all([(route, answer)]).mismatches)


def test_planted_missing_field_turns_the_check_red(exchanges: list[Exchange]) -> None:
    route, answer = copy.deepcopy(
        next(pair for pair in answered(exchanges) if pair[1].get("object") == "transfer")
    )

    del answer["amount_reversed"]

    [mismatch] = compare_all([(route, answer)]).mismatches
    assert mismatch.endswith("Transfer.amount_reversed is missing")
