"""What goes wrong on purpose: rules a test or the demo sets for its own platform.

A rule says which requests (``method``, ``path`` as a pattern with ``*``), which
of them (``nth``, then ``times`` in a row; 0 is for ever) and what happens
(``action``). ``random`` draws from a seed instead, by the number of the call,
so that a run can be played again.
"""

from __future__ import annotations

import fnmatch
import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from stripe_sandbox.api import ApiRequest, Fault
from stripe_sandbox.errors import ApiError, ConnectionDropped
from stripe_sandbox.forms import Params
from stripe_sandbox.idempotency import Answer
from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform
from stripe_sandbox.routing import ControlCall, control

ACTIONS: Final = (
    "error_before",
    "error_after",
    "timeout_after_commit",
    "drop_before",
    "drop_after",
    "rate_limited",
    "conflict",
    "latency",
    "rate_cap",
    "random",
)
_DRAWN: Final = ("error_before", "error_after", "drop_before", "drop_after", "rate_limited")
_RULE: Final = (
    "method",
    "path",
    "nth",
    "times",
    "action",
    "status",
    "saved",
    "reason",
    "retry_after",
    "milliseconds",
    "per_second",
    "seed",
    "rate",
    "actions",
)
_TIMEOUT_MILLISECONDS: Final = 5_000
_rules: Final[WeakKeyDictionary[Platform, list[Json]]] = WeakKeyDictionary()
_recent: Final[WeakKeyDictionary[Platform, dict[int, deque[float]]]] = WeakKeyDictionary()
_lock: Final = threading.Lock()


class NoFault:
    """Nothing goes wrong."""

    def on_receipt(self) -> None:
        return

    def on_execution(self) -> None:
        return

    def on_answer(self, answer: Answer) -> Answer:
        return answer

    def on_departure(self) -> None:
        return


class Misfortune(NoFault):
    """Everything the rules that match one request do to it, each at its moment."""

    def __init__(self, strokes: list[tuple[str, Json]]) -> None:
        self._strokes = strokes

    def on_receipt(self) -> None:
        for action, rule in self._strokes:
            if action == "latency":
                time.sleep(rule["milliseconds"] / 1000)
            elif action == "drop_before":
                raise ConnectionDropped
            elif action in {"rate_limited", "rate_cap"}:
                raise _too_many(rule["reason"], rule["retry_after"])
            elif action == "conflict":
                raise _conflict()

    def on_execution(self) -> None:
        for action, rule in self._strokes:
            if action == "error_before":
                raise _failure(rule["status"], saved=rule["saved"])

    def on_answer(self, answer: Answer) -> Answer:
        for action, rule in self._strokes:
            if action == "error_after":
                failure = _failure(rule["status"], saved=True)
                return Answer(failure.status, failure.body("req_fault"), failure.headers)
        return answer

    def on_departure(self) -> None:
        for action, rule in self._strokes:
            if action == "timeout_after_commit":
                time.sleep((rule["milliseconds"] or _TIMEOUT_MILLISECONDS) / 1000)
                raise ConnectionDropped
            if action == "drop_after":
                raise ConnectionDropped


def choose_fault(platform: Platform, request: ApiRequest) -> Fault:
    """Return what is to go wrong with this request, and count it for each rule it meets."""
    with _lock:
        rules = _rules.get(platform)
        if rules is None:
            rules = _rules[platform] = _load(platform)
        if not rules:
            return NoFault()
        met = [rule for rule in rules if _meets(rule, request)]
        strokes = [(action, rule) for rule in met if (action := _stroke(platform, rule))]
        for _, rule in strokes:
            rule["struck"] += 1
    if met:
        _keep(platform, met)
    return Misfortune(strokes) if strokes else NoFault()


@control("POST", "/_sandbox/faults")
def add_fault(call: ControlCall) -> Json:
    params = call.params
    params.allow(_RULE)
    actions = params.texts("actions") or list(_DRAWN)
    for drawn in actions:
        _check_action(drawn, among=[each for each in ACTIONS if each != "random"])
    action = params.choice("action", ACTIONS)
    rule: Json = {
        "method": (params.text("method") or "*").upper(),
        "path": params.text("path") or "*",
        "nth": params.integer("nth") or 1,
        "times": _times(params, action),
        "action": _check_action(action or "", among=ACTIONS),
        "status": params.integer("status") or 500,
        "saved": params.boolean("saved"),
        "reason": params.text("reason") or "endpoint-rate",
        "retry_after": params.integer("retry_after"),
        "milliseconds": params.integer("milliseconds") or 0,
        "per_second": params.integer("per_second") or 25,
        "seed": params.integer("seed") or 0,
        "rate": _share(params.values.get("rate", 0.1)),
        "actions": actions,
        "calls": 0,
        "struck": 0,
    }
    with call.platform.transaction() as store:
        added = store.execute("INSERT INTO fault (rule) VALUES (?)", (json.dumps(rule),))
        rule["number"] = added.lastrowid
    forget_faults(call.platform)
    return rule


@control("GET", "/_sandbox/faults")
def list_faults(call: ControlCall) -> Json:
    """Return every rule, with how many calls it met and how many it struck."""
    return {"faults": _load(call.platform)}


@control("DELETE", "/_sandbox/faults")
def clear_faults(call: ControlCall) -> Json:
    with call.platform.transaction() as store:
        store.execute("DELETE FROM fault")
    forget_faults(call.platform)
    return {"faults": []}


def _times(params: Params, action: str | None) -> int:
    """Return how often the rule strikes; a cap and a draw go on until they are cleared."""
    times = params.integer("times")
    if times is None:
        return 0 if action in {"rate_cap", "random"} else 1
    return times


def _check_action(action: str, *, among: Iterable[str]) -> str:
    if action not in among:
        raise ApiError(f"Unknown action: {action}", param="action")
    return action


def _share(value: object) -> float:
    share = float(str(value))
    if not 0 <= share <= 1:
        raise ApiError("rate is a share between 0 and 1", param="rate")
    return share


def _meets(rule: Json, request: ApiRequest) -> bool:
    return rule["method"] in {"*", request.method} and fnmatch.fnmatchcase(
        request.path, rule["path"]
    )


def _stroke(platform: Platform, rule: Json) -> str | None:
    """Count the call, and return what the rule does to it, if anything."""
    rule["calls"] += 1
    place = rule["calls"] - rule["nth"]
    if place < 0 or (rule["times"] and place >= rule["times"]):
        return None
    action: str = rule["action"]
    if action == "random":
        draw = random.Random(f"{rule['seed']}:{rule['calls']}")  # noqa: S311  # a plan, not a secret
        return draw.choice(rule["actions"]) if draw.random() < rule["rate"] else None
    if action == "rate_cap" and not _is_over(platform, rule):
        return None
    return action


def _is_over(platform: Platform, rule: Json) -> bool:
    """Say whether the last real second already held as many calls as the cap."""
    calls = _recent.setdefault(platform, {}).setdefault(rule["number"], deque())
    now = time.monotonic()
    while calls and calls[0] <= now - 1:
        calls.popleft()
    if len(calls) >= rule["per_second"]:
        return True
    calls.append(now)
    return False


def _load(platform: Platform) -> list[Json]:
    with platform.transaction() as store:
        rows = store.execute("SELECT number, rule FROM fault ORDER BY number").fetchall()
    return [{**json.loads(rule), "number": number} for number, rule in rows]


def _keep(platform: Platform, rules: list[Json]) -> None:
    with platform.transaction() as store:
        for rule in rules:
            store.execute(
                "UPDATE fault SET rule = ? WHERE number = ?", (json.dumps(rule), rule["number"])
            )


def forget_faults(platform: Platform) -> None:
    """Read the rules again at the next request."""
    with _lock:
        _rules.pop(platform, None)


def _failure(status: int, *, saved: bool) -> ApiError:
    return ApiError(
        "An unknown error occurred (fault of the sandbox).",
        status=status,
        type_="api_error",
        saved=saved,
    )


def _too_many(reason: str, retry_after: int | None) -> ApiError:
    headers = {"Stripe-Rate-Limited-Reason": reason}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return ApiError(
        "Too many requests hit the API too quickly. We recommend an exponential backoff of your"
        " requests.",
        status=429,
        code="rate_limit",
        saved=False,
        headers=headers,
    )


def _conflict() -> ApiError:
    return ApiError(
        "There is currently another in-progress request using this Idempotent Key.",
        status=409,
        type_="idempotency_error",
        code="idempotency_key_in_use",
        saved=False,
    )
