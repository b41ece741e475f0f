"""Who is asking; for pages and the API."""

from flask_login import current_user

from octo.accounts.models import User


def this_user() -> User:
    """Return who is signed in; for views marked so."""
    user = current_user._get_current_object()  # noqa: SLF001 - flask-login offers no other way
    assert isinstance(user, User)
    return user


def this_user_or_none() -> User | None:
    """Return who is signed in, if anybody."""
    return this_user() if current_user.is_authenticated else None
