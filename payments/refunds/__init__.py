"""Money going back to backers: requested, sent, failed, made by hand, shared with disputes."""
