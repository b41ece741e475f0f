"""Writing a campaign: its text, terms, costs and rewards, on pages or in a file."""
