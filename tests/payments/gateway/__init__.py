"""The calls to Stripe: attempts, leases, pace."""
