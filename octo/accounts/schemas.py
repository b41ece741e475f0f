"""The shapes of accounts, organisations, people and their trails in the API."""

from typing import Any, Final

import marshmallow as ma
from marshmallow import fields

from octo.accounts.models import LONGEST_NAME, LegalForm, MemberRole, RoleName
from octo.accounts.organisations import LONGEST_DESCRIPTION, checked_number
from octo.accounts.people import LOCALES
from octo.accounts.sign_in import SHORTEST_PASSWORD
from octo.errors import N_, InvalidError
from octo.web.fields import (
    AtMost,
    Choice,
    EmailAddress,
    KnownEmailAddress,
    Line,
    OneOf,
    Paragraphs,
    Shown,
    Strict,
)
from octo.web.language import translate

LONGEST_PASSWORD: Final = 200
LONGEST_TOKEN: Final = 500
LONGEST_REASON: Final = 280
LONGEST_WORDS: Final = 100
LONGEST_NUMBER: Final = 20


class Password(fields.String):
    """A password; none is ever answered."""

    def __init__(self, *, least: int = 1, **options: Any) -> None:
        super().__init__(required=True, validate=AtMost(min=least, max=LONGEST_PASSWORD), **options)
        self.metadata = {"format": "password", **self.metadata}


class RegistrationNumber(Line):
    """A SIREN, or nothing."""

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> str:
        written = super()._deserialize(value, *where, **options)
        try:
            return checked_number(written) or ""
        except InvalidError as error:
            raise ma.ValidationError(translate(error.message, error.params)) from error


class EmailSchema(Strict):
    email = KnownEmailAddress(required=True)


class SignUpSchema(Strict):
    email = EmailAddress(required=True)
    name = Line(most=LONGEST_NAME, load_default="")
    password = Password(least=SHORTEST_PASSWORD)


class SignInSchema(Strict):
    email = KnownEmailAddress(required=True)
    password = Password()


class AccessTokenSchema(Shown):
    token = fields.String(metadata={"description": N_("Told this once; keep it secret.")})
    expires_at = fields.AwareDateTime()


class MailedTokenSchema(Strict):
    token = fields.String(
        required=True,
        validate=AtMost(max=LONGEST_TOKEN),
        metadata={"description": N_("The last part of the mailed link.")},
    )


class NewPasswordSchema(MailedTokenSchema):
    password = Password(least=SHORTEST_PASSWORD)


class PasswordChangeSchema(Strict):
    password = Password(metadata={"description": N_("Your password today.")})
    new_password = Password(least=SHORTEST_PASSWORD)


class PasswordSchema(Strict):
    password = Password(metadata={"description": N_("Your password today.")})


class AccountEditSchema(Strict):
    name = Line(most=LONGEST_NAME)
    locale = fields.String(validate=OneOf(LOCALES))


class RoleSchema(ma.Schema):
    name = Choice(RoleName)


class PersonSchema(Shown):
    id = fields.String(attribute="public_id")
    email = fields.String()
    name = fields.String()
    locale = fields.String()
    roles = fields.Pluck(RoleSchema, "name", many=True)
    created_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)


class PeopleSearchSchema(ma.Schema):
    q = Line(
        most=LONGEST_WORDS,
        load_default="",
        metadata={"description": N_("Words of the name or the address.")},
    )


class RoleChangeSchema(Strict):
    role = Choice(RoleName, required=True)
    reason = Line(most=LONGEST_REASON, is_filled=True, required=True)


class ActSchema(Shown):
    """One act of the audit trail."""

    happened_at = fields.AwareDateTime(attribute="event.happened_at")
    action = fields.String(attribute="event.action")
    actor = fields.String(
        attribute="event.actor",
        metadata={"description": N_("The id of who acted; system for a job.")},
    )
    actor_name = fields.String()
    reason = fields.String(attribute="event.reason")
    details = fields.Dict(attribute="event.details")


class OrganisationEditSchema(Strict):
    name = Line(most=LONGEST_NAME, is_filled=True)
    legal_form = Choice(LegalForm)
    registration_number = RegistrationNumber(
        most=LONGEST_NUMBER, metadata={"description": N_("The SIREN, or an empty text.")}
    )
    place = Line(most=LONGEST_NAME)
    description = Paragraphs(most=LONGEST_DESCRIPTION)


class OrganisationCreateSchema(OrganisationEditSchema):
    name = Line(most=LONGEST_NAME, is_filled=True, required=True)


class OrganisationSchema(Shown):
    id = fields.String(attribute="public_id")
    name = fields.String()
    slug = fields.String()
    legal_form = Choice(LegalForm)
    registration_number = fields.String(allow_none=True)
    place = fields.String()
    description = fields.String()
    created_at = fields.AwareDateTime()


class MemberSchema(Shown):
    id = fields.String(attribute="user.public_id")
    name = fields.String(attribute="user.name")
    email = fields.String(attribute="user.email")
    role = Choice(MemberRole)
    joined_at = fields.AwareDateTime(attribute="created_at")


class MemberEditSchema(Strict):
    role = Choice(MemberRole, required=True)


class InvitationCreateSchema(EmailSchema):
    role = Choice(MemberRole, load_default=MemberRole.OWNER)


class OpenInvitationSchema(Shown):
    email = fields.String()
    role = Choice(MemberRole)
    invited_by_name = fields.String(attribute="invited_by.name")
    expires_at = fields.AwareDateTime()


class InvitationSchema(Shown):
    organisation_name = fields.String(attribute="organisation.name")
    invited_by_name = fields.String(attribute="invited_by.name")
    role = Choice(MemberRole)
    expires_at = fields.AwareDateTime()
    is_open = fields.Boolean()
