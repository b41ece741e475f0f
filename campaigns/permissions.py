"""Who may do what with a campaign: its organisation's members by their roles, and moderators."""

from typing import Final

from octo.accounts.models import MemberRole, RoleName
from octo.accounts.permissions import HoldsRole, MemberWith, Outsider
from octo.permissions import Permission

SEE_OWN_CAMPAIGN: Final = Permission("see_own_campaign", MemberWith(*MemberRole))
EDIT_CAMPAIGN: Final = Permission("edit_campaign", MemberWith(MemberRole.EDIT))
READ_PLEDGES: Final = Permission("read_pledges", MemberWith(MemberRole.DELIVER, MemberRole.MONEY))
REGISTER_OWNER: Final = Permission("register_owner", MemberWith(MemberRole.MONEY))
RUN_CAMPAIGN: Final = Permission("run_campaign", MemberWith())
MODERATE_CAMPAIGNS: Final = Permission("moderate_campaigns", HoldsRole(RoleName.MODERATOR))
DECIDE_CAMPAIGN: Final = Permission("decide_campaign", HoldsRole(RoleName.MODERATOR) & Outsider())
PERMISSIONS: Final = (
    SEE_OWN_CAMPAIGN,
    EDIT_CAMPAIGN,
    READ_PLEDGES,
    REGISTER_OWNER,
    RUN_CAMPAIGN,
    MODERATE_CAMPAIGNS,
    DECIDE_CAMPAIGN,
)
