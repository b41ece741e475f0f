"""Who may read the books and move money."""

from typing import Final

from octo.accounts.models import MemberRole, RoleName
from octo.accounts.permissions import HoldsRole, MemberWith
from octo.permissions import Permission

READ_BOOKS: Final = Permission("read_books", HoldsRole(RoleName.TREASURER))
MOVE_MONEY: Final = Permission("move_money", HoldsRole(RoleName.TREASURER))
REFUND_PAYMENTS: Final = Permission("refund_payments", HoldsRole(RoleName.TREASURER))
READ_OWN_BOOKS: Final = Permission("read_own_books", MemberWith(MemberRole.MONEY))
PERMISSIONS: Final = (READ_BOOKS, MOVE_MONEY, REFUND_PAYMENTS, READ_OWN_BOOKS)
