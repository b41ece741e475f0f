"""Stripe's refusals, in Stripe's shape."""

from __future__ import annotations

from stripe_sandbox.objects import Json


class ApiError(Exception):
    """A refusal as Stripe words it.

    ``keep`` commits what the request wrote before it was refused, as a declined
    card leaves a failed charge. ``saved`` says whether an idempotency key
    remembers it: Stripe forgets what it refuses before it starts to work.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        keep: bool = False,
        saved: bool = True,
        headers: dict[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type_
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.keep = keep
        self.saved = saved
        self.headers = headers or {}
        self.extra = extra or {}

    def body(self, request_id: str) -> Json:
        error: Json = {"type": self.type, "message": self.message, **self.extra}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}"
        if self.decline_code:
            error["decline_code"] = self.decline_code
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


class ConnectionDropped(Exception):  # noqa: N818  # not an error: a fault asked for it
    """The connection is to be cut without an answer."""


def refused(message: str, *, code: str | None = None, param: str | None = None) -> ApiError:
    """Return a 400 about the state of things; an idempotency key remembers it."""
    return ApiError(message, code=code, param=param)


def malformed(message: str, *, param: str, code: str | None = None) -> ApiError:
    """Return a 400 about the request itself; no work began, so no key remembers it."""
    return ApiError(message, code=code, param=param, saved=False)


def missing_param(param: str) -> ApiError:
    return malformed(f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(kind: str, id_: str, *, param: str = "id", status: int = 404) -> ApiError:
    noun = kind.replace("checkout.session", "checkout session").replace("_", "")
    return ApiError(f"No such {noun}: '{id_}'", status=status, code="resource_missing", param=param)


def unauthorized(message: str) -> ApiError:
    return ApiError(message, status=401, saved=False)
