"""Which mails one gets, for programs."""

from http import HTTPStatus

from flask import current_app
from flask_babel import gettext as _
from flask_login import current_user
from marshmallow import fields

from octo.errors import N_
from octo.mail.kinds import mail_kinds
from octo.mail.preferences import choose_kinds, find_refused
from octo.runtime import runtime
from octo.web.fields import AtMost, Shown, Strict
from octo.web.limits import changes
from octo.web.permissions import signed_in
from octo.web.routes import ApiBlueprint

MOST_KINDS = 50
LONGEST_KIND = 40

api = ApiBlueprint(N_("Mails"), __name__, description=N_("Choose which mails to get."))


class MailKindSchema(Shown):
    kind = fields.String()
    label = fields.String(metadata={"description": N_("What these mails are about.")})
    is_wanted = fields.Boolean()


class WantedKindsSchema(Strict):
    kinds = fields.List(
        fields.String(validate=AtMost(max=LONGEST_KIND)),
        required=True,
        validate=AtMost(max=MOST_KINDS),
        metadata={"description": N_("The kinds to get; the others are not sent any more.")},
    )


@api.get("/me/mails")
@signed_in
@api.response(HTTPStatus.OK, MailKindSchema(many=True))
def list_mail_kinds() -> list[dict[str, object]]:
    """Read which mails you get.

    Receipts, and mails about money or security, are always sent.
    """
    return _kinds()


@api.put("/me/mails")
@signed_in
@changes
@api.arguments(WantedKindsSchema, example={"kinds": ["own_campaigns"]})
@api.response(HTTPStatus.OK, MailKindSchema(many=True))
def choose_mail_kinds(body: dict[str, list[str]]) -> list[dict[str, object]]:
    """Choose which mails you get."""
    offered = mail_kinds(current_app)
    choose_kinds(current_user.email, wanted=body["kinds"], offered=offered, clock=runtime().clock)
    return _kinds()


def _kinds() -> list[dict[str, object]]:
    refused = find_refused(current_user.email)
    return [
        {"kind": kind.name, "label": _(kind.label), "is_wanted": kind.name not in refused}
        for kind in mail_kinds(current_app).values()
    ]
