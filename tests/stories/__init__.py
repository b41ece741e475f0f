"""Stories that run through more than one room."""
