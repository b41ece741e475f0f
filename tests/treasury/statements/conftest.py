"""Statements are read from the same books as the ledger's own tests."""

from tests.payments.accounting.conftest import books

__all__ = ["books"]
