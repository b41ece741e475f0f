"""Idempotency keys: the answer a key was first given is the answer it gets for 24 hours."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from stripe_sandbox.errors import ApiError
from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform
from stripe_sandbox.store import Store

_REMEMBERED_SECONDS: Final = 24 * 3600
_LONGEST_KEY: Final = 255


@dataclass
class Answer:
    """What goes back to the caller."""

    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    saved: bool = True
    replayed: bool = False


@contextlib.contextmanager
def claim(platform: Platform, key: str | None) -> Iterator[None]:
    """Hold a key while its request is in progress; a second one meanwhile is refused."""
    if key is None:
        yield
        return
    if len(key) > _LONGEST_KEY:
        raise ApiError(
            f"Idempotency keys must be at most {_LONGEST_KEY} characters.",
            type_="idempotency_error",
            saved=False,
        )
    with platform.keys_lock:
        if key in platform.keys_in_progress:
            raise ApiError(
                "There is currently another in-progress request using this Idempotent Key (that"
                " probably means you submitted twice, and the other request is still going"
                f" through): {key}. Please try again if the other one fails.",
                status=409,
                type_="idempotency_error",
                code="idempotency_key_in_use",
                saved=False,
            )
        platform.keys_in_progress.add(key)
    try:
        yield
    finally:
        with platform.keys_lock:
            platform.keys_in_progress.discard(key)


def fingerprint(path: str, account: str, params: Json) -> str:
    text = json.dumps([path, account, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def find_answer(store: Store, key: str, endpoint: str, print_: str) -> Answer | None:
    """Return the saved answer of this key; refuse it with other parameters."""
    store.execute("DELETE FROM saved_answer WHERE created <= ?", (store.now - _REMEMBERED_SECONDS,))
    row = store.execute(
        "SELECT endpoint, fingerprint, status, body FROM saved_answer WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    if row[0] != endpoint:
        raise ApiError(
            "Keys for idempotent requests can only be used for the same endpoint they were first"
            f" used for ('{row[0]}' vs '{endpoint}'). Try using a key other than '{key}' if you"
            " meant to execute a different request.",
            type_="idempotency_error",
            saved=False,
        )
    if row[1] != print_:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}' if you meant to execute a"
            " different request.",
            type_="idempotency_error",
            saved=False,
        )
    return Answer(row[2], json.loads(row[3]), {"Idempotent-Replayed": "true"}, replayed=True)


def save_answer(store: Store, key: str, endpoint: str, print_: str, answer: Answer) -> None:
    store.execute(
        "INSERT INTO saved_answer (key, created, endpoint, fingerprint, status, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key, store.now, endpoint, print_, answer.status, json.dumps(answer.body)),
    )
