"""The fields that bodies of the API are made of; what they refuse is said in our own words.

A schema checks shape, every field of it at once; whether something may be done is for services.
Texts are cleaned and measured here by the very functions that services use.
"""

from enum import EnumType
from typing import Any, ClassVar, Final

import marshmallow as ma
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from werkzeug.datastructures import FileStorage

from octo.database import LARGEST_AMOUNT
from octo.email_address import find_email, normalise_email
from octo.errors import N_, InvalidError
from octo.text import clean_paragraphs, clean_text
from octo.web.forms import LONGEST_KEY, SHORTEST_KEY
from octo.web.language import translate

# What marshmallow and webargs say themselves: translated where a refusal is answered.
SAID_BY_LIBRARIES: Final = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid input type."),
    N_("Invalid JSON body."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid boolean."),
    N_("Not a valid list."),
    N_("Not a valid date."),
    N_("Not a valid aware datetime."),
    N_("Not a valid datetime."),
    N_("Not a valid file."),
)


class Strict(ma.Schema):
    """A body in which an unknown field is an error."""

    class Meta:
        unknown = ma.RAISE


class Shown(ma.Schema):
    """What is answered: every field is there."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Say in the document that no field is left out."""
        del field_name
        field_obj.required = True


class ProblemSchema(ma.Schema):
    """A refusal, as RFC 9457 shapes it."""

    type = fields.String(required=True)
    title = fields.String(required=True, metadata={"description": N_("For people.")})
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": N_("For programs: it stays.")})
    detail = fields.String(metadata={"description": N_("What to do, for people.")})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": N_("Every wrong field with what is wrong with it.")},
    )


class Between(validate.Range):
    """Accept numbers from ``min`` to ``max``."""

    def __call__(self, value: Any) -> Any:
        try:
            return super().__call__(value)
        except ma.ValidationError as error:
            sentence = N_("Enter a whole number from %(least)s to %(most)s.")
            said = translate(sentence, {"least": self.min, "most": self.max})
            raise ma.ValidationError(said) from error


class AtMost(validate.Length):
    """Accept texts and lists that are not longer than ``max``."""

    def __call__(self, value: Any) -> Any:
        try:
            return super().__call__(value)
        except ma.ValidationError as error:
            raise ma.ValidationError(self._listed(value)) from error

    def _listed(self, value: Any) -> str:
        if self.min is not None and len(value) < self.min:
            return translate(N_("At least %(least)s."), {"least": self.min})
        return translate(N_("At most %(most)s."), {"most": self.max})


class OneOf(validate.OneOf):
    """Accept what is among ``choices``."""

    def __call__(self, value: Any) -> Any:
        try:
            return super().__call__(value)
        except ma.ValidationError as error:
            raise ma.ValidationError(_list_choices(self.choices_text)) from error


def _list_choices(choices: str) -> str:
    return translate(N_("Choose one of these: %(choices)s."), {"choices": choices})


class Count(fields.Integer):
    """A whole number: a JSON integer, never a float or a text."""

    def __init__(self, *, least: int = 0, most: int = LARGEST_AMOUNT, **options: Any) -> None:
        super().__init__(strict=True, validate=Between(min=least, max=most), **options)

    def _validated(self, value: Any) -> int:
        if isinstance(value, str | float | bool):
            raise self.make_error("invalid", input=value)
        found: int = super()._validated(value)
        return found


class Amount(Count):
    """Minor units of a currency."""


class SignedAmount(Count):
    """Minor units of a currency, below zero where money leaves."""

    def __init__(self, **options: Any) -> None:
        super().__init__(least=-LARGEST_AMOUNT, **options)


class Choice(fields.Enum[Any]):
    """One of the values of an enum."""

    def __init__(self, enum: EnumType, **options: Any) -> None:
        super().__init__(enum, by_value=True, **options)

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> Any:
        try:
            return super()._deserialize(value, *where, **options)
        except (ma.ValidationError, TypeError) as error:
            raise ma.ValidationError(_list_choices(self.choices_text)) from error


class Line(fields.String):
    """One line of text, cleaned as services clean it; ``is_filled`` refuses an empty one."""

    clean: ClassVar = staticmethod(clean_text)

    def __init__(self, *, most: int, is_filled: bool = False, **options: Any) -> None:
        super().__init__(validate=AtMost(min=1 if is_filled else None, max=most), **options)
        self.most = most
        self.is_filled = is_filled

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> str:
        written = super()._deserialize(value, *where, **options)
        try:
            return str(
                self.clean(written, field="", most=self.most, is_required=self.is_filled),
            )
        except InvalidError as error:
            raise ma.ValidationError(translate(error.message, error.params)) from error


class Paragraphs(Line):
    """A text of several lines."""

    clean: ClassVar = staticmethod(clean_paragraphs)


class EmailAddress(fields.String):
    """An e-mail address, in the one way it is stored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.metadata = {"format": "email", **self.metadata}

    def read(self, written: str) -> str:
        """Return the address, or raise ``BadEmailError``."""
        return normalise_email(written)

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> str:
        written = super()._deserialize(value, *where, **options)
        try:
            return self.read(written)
        except InvalidError as error:
            raise ma.ValidationError(translate(error.message, error.params)) from error


class KnownEmailAddress(EmailAddress):
    """An e-mail address that somebody has an account by."""

    def read(self, written: str) -> str:
        return find_email(written)


class KeySchema(ma.Schema):
    """The header that makes a repeated request the same request."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        required=True,
        validate=AtMost(min=SHORTEST_KEY, max=LONGEST_KEY),
        metadata={
            "description": N_(
                "A text of your own, new for each act: sent again with it, the same request "
                "acts once."
            )
        },
    )


class SentFile(Upload):  # type: ignore[misc] # published without types
    """A file of a form."""

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ma.ValidationError(N_("Not a valid file."))
        sent: FileStorage = super()._deserialize(value, *where, **options)
        return sent
