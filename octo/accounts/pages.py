"""The account: a person's name and language, their organisations, and leaving."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import logout_user
from flask_security import current_user

from octo.accounts import invitations, organisations, people
from octo.accounts.access_tokens import end_every_token
from octo.accounts.credentials import demand_password
from octo.accounts.current_user import this_user
from octo.accounts.erasure import erase_user, erasers_of
from octo.accounts.members import list_members
from octo.accounts.models import LegalForm
from octo.accounts.organisations import OrganisationWish
from octo.accounts.permissions import CHANGE_ORGANISATION, SEE_ORGANISATION
from octo.database import reading
from octo.permissions import demand, may
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.limits import each_change
from octo.web.permissions import public, requires, signed_in

blueprint = Blueprint("account", __name__, url_prefix="/account")


def legal_forms() -> list[tuple[str, str]]:
    """Return the legal forms to choose from, in the reader's language."""
    return [
        (LegalForm.ASSOCIATION, _("Association")),
        (LegalForm.COOPERATIVE, _("Cooperative")),
        (LegalForm.COMPANY, _("Company")),
        (LegalForm.SOLE_TRADER, _("Sole trader")),
        (LegalForm.PUBLIC_BODY, _("Public body")),
        (LegalForm.COLLECTIVE, _("Informal collective")),
    ]


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Show one's own account."""
    with reading() as session:
        mine = organisations.list_own_organisations(session, this_user())
    return render_template("accounts/account.html", organisations=mine)


@blueprint.post("")
@signed_in
@shown_again_by(index)
def change_profile() -> ResponseReturnValue:
    """Change one's name and language."""
    people.change_profile(
        current_user.public_id,
        name=request.form.get("name", ""),
        locale=request.form.get("locale", ""),
    )
    flash_message(_("Your account is saved."))
    response = redirect(url_for("account.index"))
    response.delete_cookie("octo_language")
    return response


@blueprint.get("/organisations/new")
@signed_in
def new_organisation() -> ResponseReturnValue:
    """Show the form of a new organisation."""
    return render_template(
        "accounts/organisation_form.html", organisation=None, forms=legal_forms()
    )


@blueprint.post("/organisations/new")
@signed_in
@each_change
@shown_again_by(new_organisation)
def create_organisation() -> ResponseReturnValue:
    """Create an organisation, of which one is the first member."""
    made = organisations.create_organisation(current_user.public_id, _wish(), clock=runtime().clock)
    flash_message(_("Your organisation is here. You can now draft a campaign for it."))
    return redirect(url_for("account.organisation", organisation_id=made.public_id))


@blueprint.get("/organisations/<organisation_id>")
@requires(SEE_ORGANISATION)
def organisation(organisation_id: str) -> ResponseReturnValue:
    """Show an organisation to its members."""
    with reading() as session:
        found = organisations.get_own_organisation(session, this_user(), organisation_id)
        members = list_members(session, found)
    names = dict(legal_forms())
    return render_template(
        "accounts/organisation.html",
        organisation=found,
        members=members,
        legal_form=names[found.legal_form],
        may_change=may(CHANGE_ORGANISATION, this_user(), found),
    )


@blueprint.get("/organisations/<organisation_id>/edit")
@requires(CHANGE_ORGANISATION)
def edit_organisation(organisation_id: str) -> ResponseReturnValue:
    """Show the form of an organisation of one's own."""
    with reading() as session:
        found = organisations.get_own_organisation(session, this_user(), organisation_id)
        demand(CHANGE_ORGANISATION, this_user(), found)
    return render_template(
        "accounts/organisation_form.html", organisation=found, forms=legal_forms()
    )


@blueprint.post("/organisations/<organisation_id>/edit")
@requires(CHANGE_ORGANISATION)
@shown_again_by(edit_organisation)
def change_organisation(organisation_id: str) -> ResponseReturnValue:
    """Change an organisation of one's own."""
    organisations.change_organisation(current_user.public_id, organisation_id, _wish())
    flash_message(_("Your organisation is saved."))
    return redirect(url_for("account.organisation", organisation_id=organisation_id))


@blueprint.get("/invitations/<token>")
@public
def invitation(token: str) -> ResponseReturnValue:
    """Show an invitation to whoever holds its mailed link."""
    with reading() as session:
        found = invitations.get_invitation(session, token)
        page = render_template(
            "accounts/invitation.html",
            invitation=found,
            token=token,
            is_open=invitations.is_open(found, runtime().clock.now()),
        )
    return page, {"Referrer-Policy": "no-referrer"}


@blueprint.post("/invitations/<token>")
@signed_in
@shown_again_by(invitation)
def accept_invitation(token: str) -> ResponseReturnValue:
    """Join the organisation of an invitation."""
    joined = invitations.accept_invitation(current_user.public_id, token, clock=runtime().clock)
    flash_message(_("Welcome: you now run its campaigns together."))
    return redirect(url_for("account.organisation", organisation_id=joined.public_id))


@blueprint.get("/erase")
@signed_in
def ask_erasure() -> ResponseReturnValue:
    """Say what erasing an account does, before it is done."""
    return render_template("accounts/erase.html")


@blueprint.post("/sign-out-everywhere")
@signed_in
@each_change
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session and token of one's own account, this one too."""
    end_every_token(this_user())
    logout_user()
    flash_message(_("You are signed out on every device."))
    return redirect(url_for("security.login"))


@blueprint.post("/erase")
@signed_in
@each_change
@shown_again_by(ask_erasure)
def erase() -> ResponseReturnValue:
    """Erase one's own account, with the password as proof of who asks."""
    demand_password(this_user(), request.form.get("password", ""))
    erase_user(
        current_user.public_id,
        erasers=erasers_of(current_app),
        actor=current_user.public_id,
        clock=runtime().clock,
    )
    logout_user()
    flash_message(_("Your account is erased. Thank you for having been here."))
    return redirect("/")


def _wish() -> OrganisationWish:
    entered = request.form
    return OrganisationWish(
        name=entered.get("name", ""),
        legal_form=entered.get("legal_form", ""),
        registration_number=entered.get("registration_number", ""),
        place=entered.get("place", ""),
        description=entered.get("description", ""),
    )
