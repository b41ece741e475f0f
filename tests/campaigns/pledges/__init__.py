"""A pledge from the wish to its end."""
