"""Sign a webhook as Stripe does: https://docs.stripe.com/webhooks#verify-manually."""

import hashlib
import hmac


def sign(payload: str, secret: str, *, at: int) -> str:
    """Return the header ``Stripe-Signature`` of a payload sent at an instant (seconds)."""
    digest = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
