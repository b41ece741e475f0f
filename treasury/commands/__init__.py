"""The treasury at a terminal: the books, and the rehearsal of a deadline."""
