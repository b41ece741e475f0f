"""Standing behind a launch by a word, before any money."""
