"""Refusals, each a typed error with a stable code and a message that says what to do.

A message is an English msgid with ``%(name)s`` placeholders; pages and the API translate
it, so that services know nothing of languages.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar


def N_(message: str) -> str:
    """Mark a sentence for the catalogs without translating it here."""
    return message


class OctoError(Exception):
    """A refusal a person or a client can act on."""

    code: ClassVar[str] = "error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, *, field: str | None = None, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = params

    @property
    def parts(self) -> "Sequence[OctoError]":
        """Every refusal this one is made of; one that stands alone is its own only part."""
        return (self,)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class InvalidError(OctoError):
    """Something entered cannot be taken; ``field`` names the place to mend."""

    code = "invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ManyInvalidError(InvalidError):
    """Several fields cannot be taken; each refusal is a part, the first speaks for all."""

    def __init__(self, parts: Sequence[InvalidError]) -> None:
        super().__init__(parts[0].message, field=parts[0].field, **parts[0].params)
        self._parts = tuple(parts)

    @property
    def parts(self) -> Sequence[OctoError]:
        """Every refusal, in the order of the checks."""
        return self._parts


class NotFoundError(OctoError):
    """Nothing stands at this id, or nothing this person may see."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class ForbiddenError(OctoError):
    """This person may not do this."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class ConflictError(OctoError):
    """The state of things does not allow this now."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class UnavailableError(OctoError):
    """Something outside does not answer; nothing is lost and trying again is safe."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_seconds = 30


class OperatorError(Exception):
    """What only an operator reads, at a terminal: one line, in English."""

    code: ClassVar[str] = "error"


class ConfigError(OperatorError):
    """A setting that makes starting unsafe, said in one line."""
