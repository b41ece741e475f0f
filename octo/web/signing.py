"""Signed cookies and links, between machines whose clocks differ."""

from typing import Any, Final

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

CLOCKS_DIFFER_SECONDS: Final = 15 * 60


class ForbearingSigner(TimestampSigner):
    """Takes for fresh what a machine whose clock is a little ahead of this one's has signed.

    ``itsdangerous`` refuses all that seems to come from the future: a site on two machines would
    find forms of the one too old at the other, and sign people out.
    """

    def unsign(
        self,
        signed_value: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
    ) -> Any:
        """Return what was signed; raises ``BadSignature``, too old or too far ahead included."""
        value, signed_at = super().unsign(signed_value, return_timestamp=True)
        ahead = signed_at.timestamp() - self.get_timestamp()
        if not 0 < ahead <= CLOCKS_DIFFER_SECONDS:
            super().unsign(signed_value, max_age)
        return (value, signed_at) if return_timestamp else value


class Sessions(SecureCookieSessionInterface):
    """Sessions in signed cookies, the same at every machine of a site."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = ForbearingSigner
        return serializer
