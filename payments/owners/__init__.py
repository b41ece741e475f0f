"""Who is paid: their Stripe account, what is transferred to it, taken back and owed."""
