"""A pledge from the wish to its end: placed, counted, canceled, given back."""
