"""The closing of campaigns: a verdict, then refunds or a transfer, resumable at any point."""
