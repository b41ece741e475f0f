"""``flask ledger check``: silent on true books, and exit 1 naming each planted fault."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from migrations import triggers
from octo.database import db
from payments.ledger.balances import fold_balances
from tests.payments.accounting.books import Books

A_DEBT = """
INSERT INTO owner_debt (public_id, campaign_id, currency, incurred_amount, restored_amount,
    recovered_amount, written_off_amount, left_amount, incurred_at)
SELECT 'dbt_1', min(id), 'EUR', 5, 0, 0, 0, 5, min(created_at) FROM campaign
"""
FAULTS = {
    "an amount changed": (
        "UPDATE ledger_entry SET amount = amount + 1 WHERE debit = 'stripe_balance'",
        "movements",
    ),
    "a negative amount": ("UPDATE ledger_entry SET amount = -amount WHERE position = 2", "entries"),
    "an account that is none": (
        "UPDATE ledger_entry SET debit = 'nowhere' WHERE position = 2",
        "accounts",
    ),
    "an entry lost": ("DELETE FROM ledger_entry WHERE position = 2", "campaigns"),
    "all entries lost": ("DELETE FROM ledger_entry", "entries"),
    "a transaction lost": (
        "DELETE FROM ledger_transaction WHERE id = (SELECT max(id) FROM ledger_transaction)",
        "movements",
    ),
    "a movement lost": ("DELETE FROM stripe_movement", "movements"),
    "a movement of another cent": (
        "UPDATE stripe_movement SET amount = amount + 1, net = net + 1",
        "movements",
    ),
    "two currencies at once": (
        "UPDATE ledger_entry SET currency = 'USD' WHERE position = 1",
        "accounts",
    ),
    "a kept balance changed": ("UPDATE ledger_checkpoint SET balance = balance + 1", "checkpoints"),
    "a kept balance lost": (
        "DELETE FROM ledger_checkpoint WHERE account = 'stripe_balance'",
        "checkpoints",
    ),
    "a payment changed": ("UPDATE payment SET amount = amount + 1", "campaigns"),
    "a refund changed": (
        "UPDATE refund SET amount = amount + 1, funds_amount = funds_amount + 1",
        "campaigns",
    ),
    "a transfer lost": ("DELETE FROM transfer", "owners"),
    "a transfer of another cent": ("UPDATE transfer SET amount = amount - 1", "owners"),
    "a debt nobody owes": (A_DEBT, "owners"),
    "a dispute of another cent": (
        "UPDATE dispute SET withdrawn_amount = withdrawn_amount + 1",
        "disputes",
    ),
    "money said to be late": ("UPDATE payment SET is_late = (1 = 1)", "owed"),
    "a document changed": (
        "UPDATE settlement SET gross_amount = gross_amount + 1, base_amount = base_amount + 1",
        "campaigns",
    ),
    "a document lost": ("DELETE FROM settlement", "settlements"),
    "a document of another kind": ("UPDATE document SET kind = 'credit_note'", "settlements"),
    "a number skipped": ("UPDATE document_series SET last_number = 2", "settlements"),
}

pytestmark = pytest.mark.both_engines


def check() -> tuple[int, dict[str, Any]]:
    db.session.rollback()
    result = current_app.test_cli_runner().invoke(args=["ledger", "check", "--json"])
    assert result.output, result.exception
    return result.exit_code, json.loads(result.output)


def plant(fault: str) -> None:
    """Change what must not change, with all that would refuse it out of the way."""
    db.session.rollback()
    with db.engine.connect() as connection:
        if (
            db.engine.dialect.name == "sqlite"
        ):  # before the first statement: inside a transaction it does nothing
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        triggers.drop(connection, *triggers.IMMUTABLE)
        _stop_checking(connection)
        connection.execute(sa.text(fault))
        connection.commit()


def _stop_checking(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        return
    connection.exec_driver_sql("SET session_replication_role = replica")
    for table in ("ledger_entry", "refund", "settlement", "transfer", "dispute"):
        for constraint in sa.inspect(connection).get_check_constraints(table):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {constraint['name']}")


@pytest.fixture
def kept(books: Books) -> Books:
    """Keep the books of one campaign that was settled, and of one of which a bank holds money."""
    campaign = books.campaign()
    books.charge(campaign, amount=100_00, tip=2_00)
    books.refund(books.charge(campaign, amount=50_00), funds=50_00)
    books.transfer(books.settle(campaign, base=100_00, tips=2_00))
    fold_balances()
    other = books.campaign()
    books.charge(other, amount=30_00)
    books.dispute(books.charge(other, amount=20_00), funds=20_00)
    return books


def test_empty_books_are_true(books: Books) -> None:
    assert check()[0] == 0


def test_true_books_are_said_to_be(kept: Books) -> None:
    code, report = check()

    assert (code, report["faults"]) == (0, [])
    assert (report["transactions_count"], report["movements_count"]) == (7, 6)


@pytest.mark.parametrize(("fault", "rule"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_named(kept: Books, fault: str, rule: str) -> None:
    plant(fault)

    code, report = check()

    assert code == 1
    assert rule in {found["rule"] for found in report["faults"]}
