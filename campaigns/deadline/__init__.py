"""What comes of a campaign at its deadline, and the time an outage took."""
