"""Stripe's balance transactions against the ledger's movements, both ways."""
