"""Who may read the books and move money."""

from typing import Final

from octo.accounts.models import RoleName
from octo.accounts.permissions import HoldsRole
from octo.permissions import Permission

READ_BOOKS: Final = Permission("read_books", HoldsRole(RoleName.TREASURER))
MOVE_MONEY: Final = Permission("move_money", HoldsRole(RoleName.TREASURER))
REFUND_PAYMENTS: Final = Permission("refund_payments", HoldsRole(RoleName.TREASURER))
PERMISSIONS: Final = (READ_BOOKS, MOVE_MONEY, REFUND_PAYMENTS)
