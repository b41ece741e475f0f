"""One module per resource of the API; importing them fills the table of routes."""

from __future__ import annotations

from payments.sandbox.resources import account_links as account_links
from payments.sandbox.resources import accounts as accounts
from payments.sandbox.resources import balance as balance
from payments.sandbox.resources import charges as charges
from payments.sandbox.resources import checkout_payment as checkout_payment
from payments.sandbox.resources import checkout_sessions as checkout_sessions
from payments.sandbox.resources import customers as customers
from payments.sandbox.resources import disputes as disputes
from payments.sandbox.resources import events as events
from payments.sandbox.resources import payment_intents as payment_intents
from payments.sandbox.resources import payment_methods as payment_methods
from payments.sandbox.resources import payouts as payouts
from payments.sandbox.resources import products as products
from payments.sandbox.resources import refunds as refunds
from payments.sandbox.resources import setup_intents as setup_intents
from payments.sandbox.resources import topups as topups
from payments.sandbox.resources import transfers as transfers
from payments.sandbox.resources import webhook_endpoints as webhook_endpoints
