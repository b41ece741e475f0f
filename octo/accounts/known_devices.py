"""Devices on which somebody has signed in before, or come by a mailed link.

Whoever guesses a password from elsewhere uses up the tries of strangers, and never those of a
device that is known: nobody is locked out of their own account.
"""

from datetime import timedelta
from typing import Any, Final

from flask import Flask, after_this_request, current_app, request
from flask_login import user_logged_in
from flask_security.signals import password_reset
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from octo.accounts.models import User
from octo.ids import hash_token, new_token

COOKIE: Final = "octo_device"
LASTS: Final = timedelta(days=365)
MOST_PEOPLE: Final = 5


def known_device(email: str) -> str | None:
    """Return the id of the device this request comes from, if this person is known on it."""
    device, people = _read()
    return device if hash_token(email) in people else None


def _know(_app: Flask, user: User, **_signal: Any) -> None:
    """Have this device known for this person from now on."""
    device, people = _read()
    others = [one for one in people if one != hash_token(user.email)]
    kept = [device or new_token(), [hash_token(user.email), *others][:MOST_PEOPLE]]

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(
            COOKIE,
            str(_signer().dumps(kept)),
            max_age=LASTS,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
        return response


def _read() -> tuple[str, list[str]]:
    try:
        device, people = _signer().loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return "", []
    return str(device), list(people)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="octo.known_device")


def register(app: Flask) -> None:
    """Know devices from every way in that proves who somebody is."""
    user_logged_in.connect(_know, app)
    password_reset.connect(_know, app)
