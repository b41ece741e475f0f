"""One module per resource of the API; importing them fills the table of routes."""

from __future__ import annotations

from stripe_sandbox.resources import account_links as account_links
from stripe_sandbox.resources import accounts as accounts
from stripe_sandbox.resources import balance as balance
from stripe_sandbox.resources import charges as charges
from stripe_sandbox.resources import checkout_payment as checkout_payment
from stripe_sandbox.resources import checkout_sessions as checkout_sessions
from stripe_sandbox.resources import customers as customers
from stripe_sandbox.resources import disputes as disputes
from stripe_sandbox.resources import events as events
from stripe_sandbox.resources import payment_intents as payment_intents
from stripe_sandbox.resources import payment_methods as payment_methods
from stripe_sandbox.resources import payouts as payouts
from stripe_sandbox.resources import products as products
from stripe_sandbox.resources import refunds as refunds
from stripe_sandbox.resources import setup_intents as setup_intents
from stripe_sandbox.resources import topups as topups
from stripe_sandbox.resources import transfers as transfers
from stripe_sandbox.resources import webhook_endpoints as webhook_endpoints
