"""Kinds of transaction are declared once, and nothing that speaks of them forgets one."""

import inspect
import re

import pytest
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from octo.database import db, transaction
from octo.schema import drift
from payments.accounting import entries
from payments.accounting.checks import documents, obligations, pledges
from payments.ledger import accounts, kinds
from payments.ledger.drafts import EntryDraft, TransactionDraft
from payments.ledger.integrity import check_kinds
from payments.ledger.posting import draft_reversal
from tests.payments.accounting.books import NOON, Books, campaign
from tests.payments.accounting.every_kind import draft_every_kind, post_every_kind
from tests.payments.accounting.test_entries import rows_of

A_POT = accounts.AccountKind(
    name="pot",
    label="Pot",
    category=accounts.Category.LIABILITY,
    keeper=accounts.Keeper("partner", id_prefix="prt"),
    pcg_number="4681",
    pca_number="4672",
    column=accounts.Column.TIP,
)


def add_to_a_pot() -> TransactionDraft:
    entry = EntryDraft("bank", "pot:prt_1", 1_00, "EUR")
    return TransactionDraft("pot_added:1", "pot_added", NOON, None, (entry,))


POT_ADDED = kinds.TransactionKind(
    name="pot_added",
    label="Added to a pot",
    rule=add_to_a_pot,
    columns=frozenset({accounts.Column.TIP}),
)


@pytest.fixture
def undeclared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget at the end of the test what it declares."""
    monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))
    monkeypatch.setattr(accounts, "_KINDS", dict(accounts._KINDS))


def test_each_kind_is_made_by_the_rule_it_names() -> None:
    made = draft_every_kind(campaign())

    assert {*made, kinds.REVERSAL} == kinds.kind_names()
    assert kinds.get_kind(kinds.REVERSAL).rule is draft_reversal
    rules = {kind.rule for kind in kinds.iter_kinds()} - {draft_reversal}
    assert rules == {
        rule
        for name, rule in inspect.getmembers(entries, inspect.isfunction)
        if rule.__module__ == entries.__name__ and not name.startswith("_")
    }


def test_every_check_against_other_rows_concerns_some_kind() -> None:
    asked = {check for kind in kinds.iter_kinds() for check in kind.checks}
    written = {
        check
        for module in (documents, obligations, pledges)
        for name, check in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("check_") and check.__module__ == module.__name__
    }

    assert written - asked == {documents.check_keepers}, "it concerns them all"


def test_the_kinds_are_the_documented_ones() -> None:
    assert rows_of("Kinds of transaction") == [
        [
            f"`{kind.name}`",
            kind.label,
            f"`{kind.rule.__name__}`",
            _quoted([column for column in accounts.Column if column in kind.columns]),
            _quoted([check.__name__.removeprefix("check_") for check in kind.checks]),
        ]
        for kind in kinds.iter_kinds()
    ]


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "—"


def test_one_of_each_kind_moves_what_its_kind_says(books: Books) -> None:
    post_every_kind(books.campaign())

    with transaction() as session:
        assert list(check_kinds(session)) == []


def test_what_a_kind_does_not_move_is_a_fault(books: Books) -> None:
    entry = EntryDraft("stripe_balance", "vat_collected", 1_00, "EUR")
    books.post(TransactionDraft("topup:1", "topup", NOON, None, (entry,)))

    with transaction() as session:
        [fault] = check_kinds(session)
    assert (fault.rule, fault.subject) == ("kinds", "topup:1")
    assert "vat_collected" in fault.what


def test_a_name_is_declared_once(undeclared: None) -> None:
    kinds.register(POT_ADDED)
    accounts.register(A_POT)

    with pytest.raises(AssertionError, match="already"):
        kinds.register(POT_ADDED)
    with pytest.raises(AssertionError, match="already"):
        accounts.register(A_POT)


@pytest.mark.both_engines
def test_a_kind_that_the_database_lacks_is_drift_and_is_refused(
    books: Books, undeclared: None
) -> None:
    assert drift() == []
    kinds.register(POT_ADDED)
    accounts.register(A_POT)

    with pytest.raises(IntegrityError, match="transaction_kind_known"):
        books.post(add_to_a_pot())
    if db.engine.dialect.name == "sqlite":  # PostgreSQL words a CHECK in its own way
        lacks, has = drift()
        assert "'pot_added'" in lacks
        assert "'pot_added'" not in has


@pytest.mark.both_engines
def test_a_kind_and_an_account_of_another_package_need_no_more_than_a_migration(
    books: Books, undeclared: None
) -> None:
    kinds.register(POT_ADDED)
    accounts.register(A_POT)
    _migrate_the_check()

    books.post(add_to_a_pot())

    assert drift() == []
    with transaction() as session:
        assert list(check_kinds(session)) == []
    result = current_app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 0, result.output


def _migrate_the_check() -> None:
    """Word the CHECK anew, as a migration would."""
    known = ", ".join(f"'{name}'" for name in kinds.kind_names())
    name = "ck_ledger_transaction_transaction_kind_known"
    db.session.rollback()
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"ALTER TABLE ledger_transaction DROP CONSTRAINT {name}"))
            check = f"CONSTRAINT {name} CHECK (kind IN ({known}))"
            connection.execute(sa.text(f"ALTER TABLE ledger_transaction ADD {check}"))
        else:
            connection.execute(sa.text("PRAGMA writable_schema = ON"))
            words = sa.text("SELECT sql FROM sqlite_schema WHERE name = 'ledger_transaction'")
            old = connection.scalar(words)
            new = re.sub(r"kind IN \([^)]*\)", f"kind IN ({known})", str(old))
            connection.execute(
                sa.text("UPDATE sqlite_schema SET sql = :new WHERE name = 'ledger_transaction'"),
                {"new": new},
            )
            connection.execute(sa.text("PRAGMA writable_schema = RESET"))
        connection.commit()
