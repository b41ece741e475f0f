"""The inbox of Stripe's events: verified, stored, answered; handled later, once."""
