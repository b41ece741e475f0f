"""Drifts at Stripe: its objects changed, gone, or there twice."""

import json
import random
from collections.abc import Callable

from tests.payments.reconciliation.drifts.kinds import (
    DRIFTS,
    Drift,
    Row,
    befalls,
    objects,
)
from tests.payments.reconciliation.history import History


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
