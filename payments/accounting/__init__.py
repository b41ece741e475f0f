"""Octo's books: its accounts, the entries each event makes, and the checks they must pass."""
