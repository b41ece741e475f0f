"""Mails: written once, sent once, read."""
