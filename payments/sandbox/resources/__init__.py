"""One module per resource of the API; importing them fills the table of routes."""

from __future__ import annotations

from payments.sandbox.resources import balance as balance
from payments.sandbox.resources import account_links as account_links
from payments.sandbox.resources import accounts as accounts
from payments.sandbox.resources import disputes as disputes
from payments.sandbox.resources import payouts as payouts
from payments.sandbox.resources import topups as topups
from payments.sandbox.resources import transfers as transfers
