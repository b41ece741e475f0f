"""What tests and the demo do to the sandbox itself: ``/_sandbox/…``."""

from __future__ import annotations

import json

from stripe_sandbox.errors import malformed
from stripe_sandbox.faults import forget_faults
from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import check_balances
from stripe_sandbox.routing import ControlCall, control
from stripe_sandbox.webhooks import deliver


@control("GET", "/_sandbox/clock")
def show_clock(call: ControlCall) -> Json:
    return {"now": call.platform.now, "offset_seconds": call.platform.clock_offset}


@control("POST", "/_sandbox/clock/advance")
def advance_clock(call: ControlCall) -> Json:
    """Move business time; backwards only while nothing has been kept yet."""
    seconds, to = call.params.integer("seconds"), call.params.integer("to")
    if (seconds is None) == (to is None):
        raise malformed("Give either seconds or to.", param="seconds")
    target = call.platform.now + seconds if seconds is not None else to
    assert target is not None
    done = call.platform.advance(target, keeps_keys=call.params.boolean("keeps_keys"))
    return {**show_clock(call), "done": done}


@control("POST", "/_sandbox/clock/hold")
def hold_clock(call: ControlCall) -> Json:
    """Let business time stand still for so many real seconds at most; 0 lets it go on."""
    seconds = call.params.integer("seconds")
    if seconds is None or seconds < 0:
        raise malformed("Give seconds, 0 or more.", param="seconds")
    call.platform.hold(seconds)
    return show_clock(call)


@control("GET", "/_sandbox/settings")
def show_settings(call: ControlCall) -> Json:
    return call.platform.settings


@control("POST", "/_sandbox/settings")
def change_settings(call: ControlCall) -> Json:
    return call.platform.configure(call.params.values)


@control("POST", "/_sandbox/webhooks/deliver")
def deliver_now(call: ControlCall) -> Json:
    """Send everything that waits, delayed or paused as it may be; each delivery once."""
    return deliver(call.platform, everything=True)


@control("GET", "/_sandbox/webhooks")
def show_deliveries(call: ControlCall) -> Json:
    with call.platform.transaction() as store:
        rows = store.execute(
            "SELECT endpoint, event, attempts, next_at, state, last_status FROM delivery"
            " ORDER BY seq"
        ).fetchall()
    names = ("endpoint", "event", "attempts", "next_at", "state", "last_status")
    return {"deliveries": [dict(zip(names, row, strict=True)) for row in rows]}


@control("GET", "/_sandbox/requests")
def show_requests(call: ControlCall) -> Json:
    """Return the log of API requests, oldest first; ``after`` skips up to a number."""
    with call.platform.transaction() as store:
        rows = store.execute(
            "SELECT seq, at, request_id, method, path, params, idempotency_key, account, status,"
            " replayed FROM request_log WHERE seq > ? ORDER BY seq",
            (call.params.integer("after") or 0,),
        ).fetchall()
    return {
        "requests": [
            {
                "number": row[0],
                "at": row[1],
                "request_id": row[2],
                "method": row[3],
                "path": row[4],
                "params": json.loads(row[5]),
                "idempotency_key": row[6],
                "account": row[7],
                "status": row[8],
                "replayed": bool(row[9]),
            }
            for row in rows
        ]
    }


@control("POST", "/_sandbox/check")
def check(call: ControlCall) -> Json:
    """Compare every balance with the sum of its balance transactions."""
    with call.platform.transaction() as store:
        return {"balances_checked": check_balances(store)}


@control("POST", "/_sandbox/reset")
def reset(call: ControlCall) -> Json:
    """Forget everything of this key's account."""
    call.platform.reset()
    forget_faults(call.platform)
    return show_clock(call)
