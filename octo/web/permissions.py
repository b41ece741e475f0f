"""Every endpoint carries a mark that says who may enter, and one without a mark is refused.

``@public`` opens a view to everybody, ``@signed_in`` to whoever signed in, and
``@requires(permission)`` to those who may have the permission for something. Whether a person
has it for this very object is asked again by the service, once it holds that object. Packages
declare their permissions when they register; one that none declared opens nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import Flask, current_app, make_response, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response

from octo.errors import N_, ForbiddenError, OctoError
from octo.permissions import Permission, may
from octo.web.kept_forms import ask_to_sign_in, kept_form

SIGN_IN_ENDPOINT: Final = "security.login"
_MARK: Final = "octo_access"


class TokenNotValidError(OctoError):
    """The access token is unknown, has ended or was given back."""

    code = "token_not_valid"
    status = HTTPStatus.UNAUTHORIZED


@dataclass(frozen=True)
class Access:
    """The mark of one view: open to all, to the signed in, or to holders of a permission."""

    is_public: bool = False
    permission: Permission | None = None


PUBLIC: Final = Access(is_public=True)
SIGNED_IN: Final = Access()

View = TypeVar("View", bound=Callable[..., Any] | type)


def public(view: View) -> View:
    """Open a view (function, method or ``MethodView``) to everybody."""
    return _mark(view, PUBLIC)


def signed_in(view: View) -> View:
    """Open a view to whoever signed in."""
    return _mark(view, SIGNED_IN)


def requires(permission: Permission) -> Callable[[View], View]:
    """Open a view to those who have ``permission``, be it for some objects only."""

    def decorate(view: View) -> View:
        return _mark(view, Access(permission=permission))

    return decorate


def declare_permissions(app: Flask, *permissions: Permission) -> None:
    """Add a package's permissions to the table."""
    table = declared_permissions(app)
    for permission in permissions:
        assert permission.name not in table, f"{permission.name} is declared twice"
        table[permission.name] = permission


def declared_permissions(app: Flask) -> dict[str, Permission]:
    """Return the table of all permissions, by name."""
    known: dict[str, Permission] = app.extensions.setdefault("octo.permissions", {})
    return known


def mark_endpoint(app: Flask, endpoint: str, access: Access) -> None:
    """Mark a view that a library registered, such as a sign-in page."""
    _mark(app.view_functions[endpoint], access)


def access_of(view: Callable[..., Any], method: str) -> Access | None:
    """Return the mark of a view for an HTTP method; a method's own wins over its class's."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        name = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        for marked in (getattr(view_class, name, None), view_class):
            found: Access | None = getattr(marked, _MARK, None)
            if found is not None:
                return found
    mark: Access | None = getattr(view, _MARK, None)
    return mark


def allows(access: Access, user: Any) -> bool:
    """Tell whether this user may enter a view so marked."""
    if access.is_public:
        return True
    if not user.is_authenticated:
        return False
    return access.permission is None or access.permission.predicate.opens_to(user)


def is_allowed(name: str, subject: object = None) -> bool:
    """Tell a template whether the current user has a permission, for an object if about one."""
    return may(declared_permissions(current_app)[name], current_user, subject)


def bearer_secret() -> str | None:
    """Return the access token that a program sent, if it did; pages take none."""
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not request.path.startswith("/api/"):
        return None
    return sent.token or ""


def refuse_without_right() -> Response | None:
    """Stop a request to a view whose mark does not let this person in."""
    rule = request.url_rule
    if request.endpoint is None or rule is None:
        return None
    if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return None
    access = access_of(current_app.view_functions[request.endpoint], request.method)
    if access is None or not _is_declared(access):
        raise Forbidden
    if bearer_secret() is not None and not current_user.is_authenticated:
        raise TokenNotValidError(N_("Sign in again: this access token is not valid, or has ended."))
    if allows(access, current_user):
        return None
    if current_user.is_authenticated:
        raise ForbiddenError(N_("Your role does not open this page."))
    if request.path.startswith("/api/") or SIGN_IN_ENDPOINT not in current_app.view_functions:
        raise Unauthorized(www_authenticate=WWWAuthenticate("bearer"))
    if kept := kept_form():
        return make_response(ask_to_sign_in(kept), HTTPStatus.UNAUTHORIZED)
    came_for = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else None
    return redirect(url_for(SIGN_IN_ENDPOINT, next=came_for))


def register(app: Flask) -> None:
    """Deny by default; only committed files need no mark of their own."""
    app.before_request(refuse_without_right)
    app.jinja_env.globals["is_allowed"] = is_allowed
    if app.has_static_folder:
        mark_endpoint(app, "static", PUBLIC)


def _is_declared(access: Access) -> bool:
    wanted = access.permission
    return wanted is None or declared_permissions(current_app).get(wanted.name) is wanted


def _mark(view: View, access: Access) -> View:
    setattr(getattr(view, "__func__", view), _MARK, access)  # a bound method takes no mark itself
    return view
