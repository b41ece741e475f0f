"""Double entry, append-only: the chart, the rules, posting, balances and their check."""
