"""One module per resource of the API; importing them fills the table of routes."""

from __future__ import annotations

from payments.sandbox.resources import balance as balance
