"""A stateful stand-in for Stripe: its own process, port and SQLite files, reached by the real SDK."""
