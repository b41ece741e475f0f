"""Money coming in: charges recorded, cards saved and charged, declined ones repaired."""
