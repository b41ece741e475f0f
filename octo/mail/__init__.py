"""Mails: written in the outbox with what causes them, rendered and sent by the worker."""
