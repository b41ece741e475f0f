"""A stateful stand-in for Stripe: its own process and files, reached through the real SDK."""
