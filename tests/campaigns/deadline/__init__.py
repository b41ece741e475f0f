"""What comes of a campaign at its deadline."""
