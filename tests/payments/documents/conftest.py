"""Documents are issued in the books of an empty site."""

from tests.payments.accounting.conftest import books

__all__ = ["books"]
