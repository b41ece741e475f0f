"""Faults that are made to happen, and what must hold after them."""
