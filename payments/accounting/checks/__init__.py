"""Rules between the ledger and the rows beside it: each yields the faults it finds."""
