"""Drifts to plant: each kind says what it may befall, does it, and says what is to be named."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.payments.reconciliation.history import History

Row = Any
Rows = Callable[[History], list[Row]]
Plant = Callable[[History, Row, random.Random], set[str]]


@dataclass(frozen=True)
class Drift:
    """One kind of drift. ``plant`` does it to one row and returns what may be named for it."""

    name: str
    of: Rows
    plant: Plant


DRIFTS: Final[list[Drift]] = []


def rows(sql: str) -> Rows:
    return lambda history: history.rows(sql)


def objects(type_: str) -> Rows:
    return lambda history: history.objects(type_)


def befalls(of: Rows) -> Callable[[Plant], Plant]:
    """Add a kind of drift, named after its function."""

    def add(plant: Plant) -> Plant:
        DRIFTS.append(Drift(plant.__name__, of, plant))
        return plant

    return add


MOVEMENTS: Final = rows(
    "SELECT m.stripe_balance_transaction_id AS txn, m.source, t.id, t.reference, t.campaign_id,"
    " m.occurred_at, c.public_id AS campaign FROM stripe_movement m"
    " JOIN ledger_transaction t ON t.id = m.transaction_id"
    " JOIN campaign c ON c.id = t.campaign_id ORDER BY t.id"
)
PAYMENTS: Final = rows(
    "SELECT p.*, m.stripe_balance_transaction_id AS txn, g.public_id AS pledge FROM payment p"
    " JOIN pledge g ON g.id = p.pledge_id"
    " JOIN stripe_movement m ON m.source = p.stripe_charge_id AND m.type = 'charge' ORDER BY p.id"
)
REFUNDS: Final = rows(
    "SELECT r.*, m.stripe_balance_transaction_id AS txn FROM refund r"
    " JOIN stripe_movement m ON m.source = r.stripe_refund_id ORDER BY r.id"
)
TRANSFERS: Final = rows("SELECT * FROM transfer WHERE stripe_transfer_id IS NOT NULL ORDER BY id")
DISPUTES: Final = rows("SELECT * FROM dispute ORDER BY id")
LIVE: Final = rows("SELECT * FROM campaign WHERE status = 'live' ORDER BY id")
DOCUMENTS: Final = rows("SELECT * FROM settlement ORDER BY id")
SERIES: Final = rows("SELECT * FROM document_series ORDER BY id")
CHECKPOINTS: Final = rows("SELECT * FROM ledger_checkpoint ORDER BY account")
CALLS: Final = rows(
    "SELECT * FROM attempt WHERE kind IN ('refund_create', 'transfer_create') ORDER BY id"
)


def same_but(history: History, table: str, row: Row, **changed: object) -> None:
    """Write a row once more, with other values in some columns (SQL, not text)."""
    names = [name for name in row if name not in {"txn", "pledge", "campaign"}]
    values = ", ".join(str(changed.get(name, name)) for name in names)
    history.by_hand(
        f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608
        f" SELECT {values} FROM {table} WHERE id = {row['id']}"
    )


# --- What is written here of a movement.


def _altered_movement(name: str, change: str) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        history.by_hand(
            f"UPDATE stripe_movement SET {change.format(random.randint(1, 99))}"  # noqa: S608
            f" WHERE stripe_balance_transaction_id = '{row['txn']}'"
        )
        return {row["txn"]}

    DRIFTS.append(Drift(name, MOVEMENTS, plant))


for _name, _change in {
    "movement_of_another_amount": "amount = amount + {0}, net = net + {0}",
    "movement_of_another_fee": "fee = fee + {0}, net = net - {0}",
    "movement_of_another_gross_and_fee": "amount = amount + {0}, fee = fee + {0}",
    "movement_in_another_currency": "currency = 'USD'",
    "movement_of_another_type": "type = 'contribution'",
    "movement_of_another_category": "reporting_category = 'other_adjustment'",
    "movement_of_another_source": "source = 'ch_not_this_one_{0}'",
    "movement_of_another_campaign": (
        "campaign_id = (SELECT min(id) FROM campaign c WHERE c.id <> stripe_movement.campaign_id)"
    ),
    "movement_on_another_date": "occurred_at = '2020-02-29 12:00:00.000000'",
    "movement_available_on_another_date": "available_at = '2020-02-29 12:00:00.000000'",
    "movement_under_another_id": (
        "stripe_balance_transaction_id = stripe_balance_transaction_id || '{0}'"
    ),
}.items():
    _altered_movement(_name, _change)


@befalls(MOVEMENTS)
def movement_lost(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"DELETE FROM stripe_movement WHERE stripe_balance_transaction_id = '{row['txn']}'"  # noqa: S608
    )
    return {row["txn"]}


@befalls(MOVEMENTS)
def unposted(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"DELETE FROM ledger_entry WHERE transaction_id = {row['id']}",  # noqa: S608
        f"DELETE FROM ledger_transaction WHERE id = {row['id']}",  # noqa: S608
    )
    return {row["txn"]}


@befalls(MOVEMENTS)
def unposted_with_its_movement(history: History, row: Row, random: random.Random) -> set[str]:
    return movement_lost(history, row, random) | unposted(history, row, random)


# --- What is posted.


@befalls(MOVEMENTS)
def posted_twice_under_another_reference(
    history: History, row: Row, random: random.Random
) -> set[str]:
    twin = 900_000 + int(row["id"])
    history.by_hand(
        "INSERT INTO ledger_transaction (id, reference, kind, campaign_id, occurred_at, posted_at)"  # noqa: S608
        f" SELECT {twin}, reference || ':again', kind, campaign_id, occurred_at, posted_at"
        f" FROM ledger_transaction WHERE id = {row['id']}",
        "INSERT INTO ledger_entry (transaction_id, position, debit, credit, amount, currency)"  # noqa: S608
        f" SELECT {twin}, position, debit, credit, amount, currency FROM ledger_entry"
        f" WHERE transaction_id = {row['id']}",
    )
    return {f"{row['reference']}:again"}


@befalls(DOCUMENTS)
def document_posted_twice(history: History, row: Row, random: random.Random) -> set[str]:
    [posted] = history.rows(
        "SELECT t.id, t.reference, c.public_id AS campaign FROM ledger_transaction t"  # noqa: S608
        " JOIN campaign c ON c.id = t.campaign_id"
        f" WHERE t.reference = 'settlement:{row['number']}'"
    )
    posted_twice_under_another_reference(history, posted, random)
    return {f"campaigns: campaign_funds:{posted['campaign']}"}


@befalls(DOCUMENTS)
def document_unposted(history: History, row: Row, random: random.Random) -> set[str]:
    which = f"SELECT id FROM ledger_transaction WHERE reference = 'settlement:{row['number']}'"  # noqa: S608
    history.by_hand(
        f"DELETE FROM ledger_entry WHERE transaction_id IN ({which})",  # noqa: S608
        f"DELETE FROM ledger_transaction WHERE reference = 'settlement:{row['number']}'",  # noqa: S608
    )
    return {f"settlements: {row['number']}"}


@befalls(MOVEMENTS)
def entry_of_another_amount(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE ledger_entry SET amount = amount + {random.randint(1, 99)}"  # noqa: S608
        f" WHERE transaction_id = {row['id']} AND position = 1"
    )
    return {row["txn"]}


@befalls(MOVEMENTS)
def entry_of_another_campaign(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        "UPDATE ledger_entry SET"  # noqa: S608
        f" credit = replace(credit, '{row['campaign']}', 'cmp_elsewhere'),"
        f" debit = replace(debit, '{row['campaign']}', 'cmp_elsewhere')"
        f" WHERE transaction_id = {row['id']}"
    )
    return {f"keepers: {row['reference']}"}


@befalls(MOVEMENTS)
def entry_in_another_currency(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE ledger_entry SET currency = 'CHF' WHERE transaction_id = {row['id']}"  # noqa: S608
    )
    return {row["txn"]}


@befalls(CHECKPOINTS)
def checkpoint_of_another_balance(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE ledger_checkpoint SET balance = balance + {random.randint(1, 99)}"  # noqa: S608
        f" WHERE account = '{row['account']}'"
    )
    return {f"checkpoints: {row['account']} EUR"}


@befalls(LIVE)
def campaign_counts_another_total(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE campaign SET pledged_amount = pledged_amount + {random.randint(1, 99)}"  # noqa: S608
        f" WHERE id = {row['id']}"
    )
    return {f"counted: {row['public_id']}"}


@befalls(SERIES)
def document_number_skipped(history: History, row: Row, random: random.Random) -> set[str]:
    history.by_hand(
        f"UPDATE document_series SET last_number = last_number + {random.randint(1, 9)}"  # noqa: S608
        f" WHERE id = {row['id']}"
    )
    return {f"settlements: {row['name']}"}


# --- Our payments, refunds, transfers, disputes and calls.


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


# --- At Stripe.


def at_stripe(history: History, id_: str, **changed: object) -> None:
    """Change an object where Stripe keeps it; ``metadata__name`` reaches inside."""
    with history.at_stripe() as stripe:
        (body,) = stripe.execute("SELECT body FROM object WHERE id = ?", (id_,)).fetchone()
        kept = json.loads(body)
        for name, value in changed.items():
            place, _, inside = name.partition("__")
            if inside:
                kept[place][inside] = value
            else:
                kept[place] = value
        stripe.execute("UPDATE object SET body = ? WHERE id = ?", (json.dumps(kept), id_))


def _altered_at_stripe(
    name: str, type_: str, change: Callable[[Row, random.Random], dict[str, object]]
) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        at_stripe(history, row["id"], **change(row, random))
        return {row["id"]}

    DRIFTS.append(Drift(name, objects(type_), plant))


for _name, (_type, _how) in {
    "stripe_has_another_movement": (
        "balance_transaction",
        lambda row, _random: {"net": row["net"] + 7, "amount": row["amount"] + 7},
    ),
    "stripe_converted_the_money": (
        "balance_transaction",
        lambda _row, _random: {"exchange_rate": 0.9},
    ),
    "stripe_charged_another_amount": (
        "charge",
        lambda row, random: {"amount": row["amount"] + random.randint(1, 99)},
    ),
    "stripe_charged_for_another_campaign": (
        "charge",
        lambda _row, _random: {
            "transfer_group": "cmp_elsewhere",
            "metadata__octo_campaign": "cmp_elsewhere",
        },
    ),
    "stripe_charged_another_currency": ("charge", lambda _row, _random: {"currency": "usd"}),
    "stripe_refunded_another_amount": (
        "refund",
        lambda row, random: {"amount": row["amount"] - random.randint(1, 99)},
    ),
    "stripe_transferred_to_another_account": (
        "transfer",
        lambda _row, random: {"destination": f"acct_{random.randint(1, 99)}"},
    ),
    "stripe_transferred_another_amount": (
        "transfer",
        lambda row, random: {"amount": row["amount"] + random.randint(1, 99)},
    ),
}.items():
    _altered_at_stripe(_name, _type, _how)


def _gone_at_stripe(name: str, type_: str) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        with history.at_stripe() as stripe:
            stripe.execute("DELETE FROM object WHERE id = ?", (row["id"],))
        return {row["id"]}

    DRIFTS.append(Drift(name, objects(type_), plant))


_gone_at_stripe("stripe_lost_a_movement", "balance_transaction")
_gone_at_stripe("stripe_lost_a_charge", "charge")
_gone_at_stripe("stripe_lost_a_refund", "refund")
_gone_at_stripe("stripe_lost_a_transfer", "transfer")


def _twin_at_stripe(name: str, type_: str, prefix: str, **changed: object) -> None:
    def plant(history: History, row: Row, random: random.Random) -> set[str]:
        twin = f"{prefix}_twin_{row['id'].partition('_')[2]}"
        with history.at_stripe() as stripe:
            body = json.dumps({**row, "id": twin, **changed})
            stripe.execute(
                "INSERT INTO object (id, type, account, created, body)"
                " SELECT ?, type, account, created, ? FROM object WHERE id = ?",
                (twin, body, row["id"]),
            )
        return {twin}

    DRIFTS.append(Drift(name, objects(type_), plant))


_twin_at_stripe("stripe_moved_twice", "balance_transaction", "txn")
_twin_at_stripe(
    "stripe_moved_for_itself", "balance_transaction", "txn", type="adjustment", source=None
)
_twin_at_stripe("charged_twice", "charge", "ch")
_twin_at_stripe("refunded_twice", "refund", "re")
_twin_at_stripe("transferred_twice", "transfer", "tr")
_twin_at_stripe(
    "charge_nobody_pledged",
    "charge",
    "ch",
    metadata={"octo_installation": "octo", "octo_payment": "pay_nobody"},
)


@befalls(objects("balance_transaction"))
def stripe_holds_another_balance(history: History, row: Row, random: random.Random) -> set[str]:
    with history.at_stripe() as stripe:
        stripe.execute(
            "UPDATE balance SET available = available + ? WHERE account = ?",
            (random.randint(1, 99), history.stripe_file.stem),
        )
    return {"EUR"}
