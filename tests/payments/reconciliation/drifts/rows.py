"""Drifts of our payments, refunds, transfers, disputes and calls."""

import random

from tests.payments.reconciliation.drifts.kinds import (
    CALLS,
    DISPUTES,
    DRIFTS,
    PAYMENTS,
    REFUNDS,
    TRANSFERS,
    Drift,
    Row,
    Rows,
    befalls,
    same_but,
)
from tests.payments.reconciliation.history import History


def _altered(name: str, of: Rows, table: str, change: str, stripe_id: str) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        history.by_hand(
            f"UPDATE {table} SET {change.format(random.randint(1, 99))} WHERE id = {row['id']}"  # noqa: S608
        )
        return {row[stripe_id]}

    DRIFTS.append(Drift(name, of, plant))


for _name, (_of, _table, _change, _id) in {
    "payment_of_another_amount": (
        PAYMENTS,
        "payment",
        "amount = amount + {0}",
        "stripe_charge_id",
    ),
    "payment_in_another_currency": (PAYMENTS, "payment", "currency = 'GBP'", "stripe_charge_id"),
    "payment_of_another_campaign": (
        PAYMENTS,
        "payment",
        "campaign_id = (SELECT max(id) FROM campaign WHERE id <> payment.campaign_id)",
        "stripe_charge_id",
    ),
    "payment_on_another_date": (
        PAYMENTS,
        "payment",
        "charged_at = (SELECT max(requested_at) FROM refund)",
        "stripe_charge_id",
    ),
    "refund_of_another_amount": (
        REFUNDS,
        "refund",
        "amount = amount + {0}, funds_amount = funds_amount + {0}",
        "stripe_refund_id",
    ),
    "refund_of_another_charge": (
        REFUNDS,
        "refund",
        "number = 100 + id, payment_id = (SELECT min(id) FROM payment)",
        "stripe_refund_id",
    ),
    "refund_said_to_have_failed": (REFUNDS, "refund", "status = 'failed'", "stripe_refund_id"),
    "transfer_of_another_amount": (
        TRANSFERS,
        "transfer",
        "amount = amount + {0}, document_amount = document_amount + {0}",
        "stripe_transfer_id",
    ),
    "transfer_to_another_account": (
        TRANSFERS,
        "transfer",
        "stripe_account_id = 'acct_not_this_one'",
        "stripe_transfer_id",
    ),
    "transfer_of_another_document": (
        TRANSFERS,
        "transfer",
        (
            "number = 100 + id, settlement_id = (SELECT max(s.id) FROM settlement s"
            " WHERE s.id <> transfer.settlement_id)"
        ),
        "stripe_transfer_id",
    ),
    "dispute_of_another_amount": (
        DISPUTES,
        "dispute",
        "amount = amount + {0}",
        "stripe_dispute_id",
    ),
    "dispute_that_stands_otherwise": (DISPUTES, "dispute", "status = 'won'", "stripe_dispute_id"),
}.items():
    _altered(_name, _of, _table, _change, _id)


def _lost(name: str, of: Rows, table: str, stripe_id: str) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        history.by_hand(f"DELETE FROM {table} WHERE id = {row['id']}")  # noqa: S608
        return {row[stripe_id]}

    DRIFTS.append(Drift(name, of, plant))


_lost("charge_without_payment", PAYMENTS, "payment", "stripe_charge_id")
_lost("refund_lost", REFUNDS, "refund", "stripe_refund_id")
_lost("transfer_lost", TRANSFERS, "transfer", "stripe_transfer_id")
_lost("dispute_lost", DISPUTES, "dispute", "stripe_dispute_id")
_lost("call_lost", CALLS, "attempt", "stripe_object_id")


@befalls(PAYMENTS)
def payment_without_charge(history: History, row: Row, random: random.Random) -> set[str]:
    charge = f"ch_invented_{row['id']}"
    history.by_hand(
        f"UPDATE payment SET stripe_charge_id = '{charge}' WHERE id = {row['id']}"  # noqa: S608
    )
    return {charge}


@befalls(PAYMENTS)
def pledge_of_another_amount(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE pledge SET status = 'collected', amount = amount + {random.randint(1, 99)}"  # noqa: S608
        f" WHERE id = {row['pledge_id']}"
    )
    return {f"paid: {row['pledge']}"}


@befalls(REFUNDS)
def refund_invented(history: History, row: Row, random: random.Random) -> set[str]:
    twin = 900_000 + int(row["id"])
    same_but(
        history,
        "refund",
        row,
        id=twin,
        public_id=f"'rfd_invented_{twin}'",
        number=77,
        action_key=f"'invented:{twin}'",
        stripe_refund_id=f"'re_invented_{twin}'",
    )
    return {f"re_invented_{twin}"}
