"""Stripe's page on which a pledge is paid or a card saved: its parameters, its session."""
