"""Drifts of the ledger: movements, what is posted of them, documents and their numbers."""

import random

from tests.payments.reconciliation.drifts.kinds import (
    CHECKPOINTS,
    DOCUMENTS,
    DRIFTS,
    LIVE,
    MOVEMENTS,
    SERIES,
    Drift,
    Row,
    befalls,
)
from tests.payments.reconciliation.history import History


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
