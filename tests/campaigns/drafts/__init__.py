"""Writing a campaign."""
