"""Who may do what with a campaign."""

from typing import Final

from octo.accounts.models import RoleName
from octo.accounts.permissions import HoldsRole
from octo.permissions import Permission

MODERATE_CAMPAIGNS: Final = Permission("moderate_campaigns", HoldsRole(RoleName.MODERATOR))
PERMISSIONS: Final = (MODERATE_CAMPAIGNS,)
