"""The team's pages: who belongs to an organisation, with which role, and who is invited."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from octo.accounts import invitations, organisations, team
from octo.accounts.current_user import this_user
from octo.accounts.labels import member_role_choices, team_act_name
from octo.accounts.members import get_membership, list_members
from octo.accounts.models import MemberRole
from octo.accounts.permissions import MANAGE_TEAM, SEE_ORGANISATION
from octo.accounts.trail import trail_of
from octo.database import reading
from octo.email_address import normalise_email
from octo.errors import N_, InvalidError
from octo.input_checks import InputChecks
from octo.permissions import demand, may
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.limits import each_change
from octo.web.permissions import requires

blueprint = Blueprint("team", __name__, url_prefix="/account/organisations/<organisation_id>")


@blueprint.get("/team")
@requires(SEE_ORGANISATION)
def show(organisation_id: str) -> ResponseReturnValue:
    """Show the members and their roles; to owners also what they may change."""
    user = this_user()
    with reading() as session:
        organisation = organisations.get_own_organisation(session, user, organisation_id)
        is_owner = may(MANAGE_TEAM, user, organisation)
        members = list_members(session, organisation)
        trail = trail_of(session, organisation.public_id) if is_owner else []
        invited = (
            invitations.list_open_invitations(session, organisation, at=runtime().clock.now())
            if is_owner
            else []
        )
    return render_template(
        "accounts/team.html",
        organisation=organisation,
        is_owner=is_owner,
        members=members,
        invited=invited,
        trail=trail,
        names={member.user.public_id: member.user.name or member.user.email for member in members},
        act_name=team_act_name,
        roles=member_role_choices(),
    )


@blueprint.get("/team/<member_id>")
@requires(MANAGE_TEAM)
def member(organisation_id: str, member_id: str) -> ResponseReturnValue:
    """Show one member to an owner, to change the role or to remove them."""
    with reading() as session:
        organisation = organisations.get_own_organisation(session, this_user(), organisation_id)
        demand(MANAGE_TEAM, this_user(), organisation)
        found = get_membership(session, organisation, member_id)
    return render_template(
        "accounts/team_member.html",
        organisation=organisation,
        member=found,
        roles=member_role_choices(),
    )


@blueprint.post("/team/<member_id>")
@requires(MANAGE_TEAM)
@shown_again_by(member)
def change_role(organisation_id: str, member_id: str) -> ResponseReturnValue:
    """Give a member another role."""
    team.change_member_role(
        this_user().public_id,
        organisation_id,
        member_id,
        role=_role_entered(),
        clock=runtime().clock,
    )
    flash_message(_("The role is changed."))
    return redirect(url_for(".show", organisation_id=organisation_id), 303)


@blueprint.post("/team/<member_id>/remove")
@requires(MANAGE_TEAM)
@shown_again_by(member)
def remove(organisation_id: str, member_id: str) -> ResponseReturnValue:
    """Take a member out of the organisation; an owner who removes themselves has left it."""
    me = this_user().public_id
    team.remove_member(me, organisation_id, member_id, clock=runtime().clock)
    if member_id == me:
        return _gone()
    flash_message(_("They no longer belong to the organisation."), "note")
    return redirect(url_for(".show", organisation_id=organisation_id), 303)


@blueprint.post("/departure")
@requires(SEE_ORGANISATION)
@shown_again_by(show)
def leave(organisation_id: str) -> ResponseReturnValue:
    """Leave the organisation."""
    team.leave_organisation(this_user().public_id, organisation_id, clock=runtime().clock)
    return _gone()


@blueprint.post("/invitations")
@requires(MANAGE_TEAM)
@each_change
@shown_again_by(show)
def invite(organisation_id: str) -> ResponseReturnValue:
    """Mail an invitation; the page says the same whether the address is known or not."""
    with InputChecks() as check:
        email = check(normalise_email, request.form.get("email", ""))
        role = check(_role_entered)
    invitations.invite_member(
        this_user().public_id, organisation_id, email=email, role=role, clock=runtime().clock
    )
    flash_message(_("The invitation is on its way. Only the account of this address can join."))
    return redirect(url_for(".show", organisation_id=organisation_id), 303)


@blueprint.post("/invitations/withdrawal")
@requires(MANAGE_TEAM)
@shown_again_by(show)
def withdraw_invitation(organisation_id: str) -> ResponseReturnValue:
    """Take an invitation back."""
    invitations.withdraw_invitations(
        this_user().public_id,
        organisation_id,
        email=request.form.get("email", ""),
        clock=runtime().clock,
    )
    flash_message(_("The invitation is taken back."), "note")
    return redirect(url_for(".show", organisation_id=organisation_id), 303)


def _gone() -> ResponseReturnValue:
    flash_message(_("You no longer belong to this organisation."), "note")
    return redirect(url_for("account.index"), 303)


def _role_entered() -> MemberRole:
    entered = request.form.get("role", "")
    if entered not in set(MemberRole):
        raise InvalidError(N_("Choose one of the roles."), field="role")
    return MemberRole(entered)
