"""The one door to Stripe: calls that have an attempt behind them, and reads."""
