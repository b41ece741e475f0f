"""The demo: a season over invented campaigns, and time that can be moved."""
