"""How often one may try to sign in, sign up, or have mails sent; pages and API count together."""

from collections.abc import Mapping
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from octo.accounts.known_devices import known_device
from octo.ids import hash_token
from octo.web.limits import declare_limit


def by_entered_email() -> str:
    """Count by the address that was entered, kept as a hash."""
    return f"email:{hash_token(_entered_email())}"


def by_account_and_device() -> str:
    """Count by the address, and apart by each device on which its person is known."""
    device = known_device(_entered_email())
    return f"{by_entered_email()}:{device or 'unknown'}"


def _entered_email() -> str:
    sent = request.get_json(silent=True) if request.is_json else request.form
    email = sent.get("email") if isinstance(sent, Mapping) else None
    return str(email or "").strip().lower()


def is_refused(response: Response) -> bool:
    """Count a sign-in only when it fails: nobody else can use up a person's own tries."""
    return response.status_code not in {201, 301, 302, 303}


sign_in_tries: Final = declare_limit("sign in", "20 per minute; 100 per hour")
account_tries: Final = declare_limit(
    "account", "30 per hour", key_func=by_account_and_device, deduct_when=is_refused
)
sign_ups: Final = declare_limit("sign up", "10 per hour")
mails: Final = declare_limit("mail", "10 per hour")
mailbox_mails: Final = declare_limit("mailbox", "5 per hour", key_func=by_entered_email)
