"""Statements are read from the same books as the ledger's own tests."""

from tests.payments.ledger.conftest import books

__all__ = ["books"]
