"""Double entry, append-only: accounts, posting, balances and their integrity."""
