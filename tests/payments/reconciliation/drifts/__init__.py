"""Drifts to plant, by where they are; importing them fills the list."""

from tests.payments.reconciliation.drifts import ledger as ledger
from tests.payments.reconciliation.drifts import rows as rows
from tests.payments.reconciliation.drifts import stripe as stripe
from tests.payments.reconciliation.drifts.kinds import DRIFTS as DRIFTS
from tests.payments.reconciliation.drifts.kinds import Drift as Drift
