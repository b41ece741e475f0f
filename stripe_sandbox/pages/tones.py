"""The states of objects as the pages show them: a word and a colour."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.pages.language import t


def _mark(word: str) -> str:
    """Mark a word that is translated when it is shown."""
    return word


_GOOD: Final = frozenset({"succeeded", "paid", "active", "available", "won", "warning_closed"})
_BAD: Final = frozenset(
    {"failed", "restricted", "lost", "canceled", "closed", "expired", "needs_response", "disputed"}
)
_WORDS: Final = {
    "active": _mark("active"),
    "canceled": _mark("canceled"),
    "closed": _mark("closed"),
    "disputed": _mark("disputed"),
    "failed": _mark("failed"),
    "lost": _mark("lost"),
    "needs_response": _mark("needs a response"),
    "paid": _mark("paid"),
    "partially_refunded": _mark("partly refunded"),
    "partially_reversed": _mark("partly reversed"),
    "pending": _mark("pending"),
    "processing": _mark("processing"),
    "refunded": _mark("refunded"),
    "requires_action": _mark("3-D Secure awaited"),
    "requires_capture": _mark("to be captured"),
    "requires_confirmation": _mark("to be confirmed"),
    "requires_payment_method": _mark("not paid"),
    "restricted": _mark("restricted"),
    "reversed": _mark("reversed"),
    "succeeded": _mark("succeeded"),
    "under_review": _mark("under review"),
    "warning_closed": _mark("inquiry closed"),
    "warning_needs_response": _mark("inquiry"),
    "warning_under_review": _mark("inquiry under review"),
    "won": _mark("won"),
    "available": _mark("available"),
    "in_transit": _mark("in transit"),
}


def tone_of(status: str) -> str:
    """Return the colour class of a state."""
    if status in _GOOD:
        return "good"
    return "bad" if status in _BAD else "wait"


def shown_status(status: str) -> str:
    """Return the word for a state in the reader's language."""
    return t(_WORDS[status]) if status in _WORDS else status
