"""Payments that banks contest."""
