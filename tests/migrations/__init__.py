"""The schema, step by step, on both databases."""
