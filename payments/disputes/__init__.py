"""A backer's bank contests a payment."""
