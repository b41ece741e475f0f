"""Submission and review: what is missing, what a moderator decides."""
