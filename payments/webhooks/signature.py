"""Verify that an event comes from Stripe, by any of the secrets in force."""

from typing import Any, Final

import stripe

from octo.bounded_json import UnreadableError, read_json

TOLERANCE_SECONDS: Final = 300


class BadSignatureError(Exception):
    """Nobody who holds one of our secrets signed this."""


def verified_event(payload: bytes, header: str, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Return the event, or raise ``BadSignatureError``; several secrets let one be rotated.

    https://docs.stripe.com/webhooks#verify-official-libraries: 300 s of tolerance, real time.
    """
    if not header.isascii():
        raise BadSignatureError
    text = payload.decode("utf-8", errors="replace")
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, ValueError):
            continue
        return _parsed(payload)
    raise BadSignatureError


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        event = read_json(payload)
    except UnreadableError as error:
        raise BadSignatureError from error
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        raise BadSignatureError
    return event
