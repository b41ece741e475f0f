"""The mechanics are tested on Octo's own books."""

from tests.payments.accounting.conftest import books

__all__ = ["books"]
