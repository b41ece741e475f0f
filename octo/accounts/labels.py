"""How roles in an organisation, and what happens to a team, are called in the reader's language."""

from typing import Final

from flask_babel import gettext

from octo.accounts.models import MemberRole
from octo.errors import N_

MEMBER_ROLES: Final = {
    MemberRole.EDIT: (
        N_("Writing"),
        N_("Writes the campaigns: text, pictures, costs and rewards."),
    ),
    MemberRole.ANSWER: (N_("Answering"), N_("Answers messages and comments.")),
    MemberRole.DELIVER: (N_("Delivery"), N_("Sees who pledged, to deliver the rewards.")),
    MemberRole.MONEY: (
        N_("Money"),
        N_("Registers the organisation with Stripe, and sees what was pledged."),
    ),
    MemberRole.OWNER: (
        N_("Team owner"),
        N_("Does all of this, launches, extends and cancels campaigns, and looks after the team."),
    ),
}
TEAM_ACTS: Final = {
    "team.invited": N_("invited somebody"),
    "team.invitation_withdrawn": N_("took an invitation back"),
    "team.joined": N_("joined"),
    "team.role_changed": N_("changed a role"),
    "team.removed": N_("removed somebody"),
    "team.left": N_("left"),
}


def member_role_name(role: str) -> str:
    """Return what a role in an organisation is called."""
    return str(gettext(MEMBER_ROLES[MemberRole(role)][0]))


def member_role_choices() -> list[tuple[str, str, str]]:
    """Return the roles in an organisation as a form offers them, each with its meaning."""
    return [
        (role.value, str(gettext(name)), str(gettext(meaning)))
        for role, (name, meaning) in MEMBER_ROLES.items()
    ]


def team_act_name(action: str) -> str:
    """Return what was done to a team."""
    return str(gettext(TEAM_ACTS.get(action, action)))
