"""The JSON objects the sandbox keeps, as Stripe shows them."""

from __future__ import annotations

import secrets
from typing import Any

API_VERSION = "2026-10-28.endive"

Json = dict[str, Any]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str, length: int = 24) -> str:
    """Return an identifier of Stripe's shape: ``re_3kq…``."""
    number = secrets.randbits(length * 6)
    letters = []
    for _ in range(length):
        number, index = divmod(number, 62)
        letters.append(_ALPHABET[index])
    return f"{prefix}_{''.join(letters)}"


def public(stored: Json) -> Json:
    """Return the object without what the sandbox alone knows (keys that start with ``_``)."""
    return {key: value for key, value in stored.items() if not key.startswith("_")}
