"""What is posted cannot be changed: the database has the listed triggers, and each one bites."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from migrations import triggers
from octo.database import UtcDateTime, configure_engine, db
from octo.ids import new_public_id
from payments.models import DocumentSeries, SettlementKind
from tests.payments.accounting import books

ONE_ROW: Final[dict[str, dict[str, Any]]] = {
    "ledger_transaction": {
        "id": 1,
        "reference": "one",
        "kind": "topup",
        "occurred_at": books.NOON,
        "posted_at": books.NOON,
    },
    "ledger_entry": {
        "transaction_id": 1,
        "position": 1,
        "debit": "bank",
        "credit": "stripe_balance",
        "amount": 1,
        "currency": "EUR",
    },
    "stripe_movement": {
        "stripe_balance_transaction_id": "txn_1",
        "transaction_id": 1,
        "type": "topup",
        "reporting_category": "topup",
        "amount": 1,
        "fee": 0,
        "net": 1,
        "currency": "EUR",
        "occurred_at": books.NOON,
        "available_at": books.NOON,
    },
    "document": {
        "id": 1,
        "public_id": new_public_id("doc"),
        "kind": "settlement",
        "series": "T",
        "position": 1,
        "number": "T-0001",
        "issued_at": books.NOON,
        "campaign_id": 1,
    },
    "period": {"id": 1, "first_on": date(2026, 11, 1)},
    "settlement": {
        "id": 1,
        "document_id": 1,
        "campaign_id": 1,
        "kind": SettlementKind.MAIN,
        "currency": "EUR",
        "fee_rate": "0.07",
        "vat_rate": "0.20",
        **dict.fromkeys(
            (
                *("payments_count", "gross_amount", "refunds_amount", "disputes_amount"),
                *("base_amount", "fee_amount", "vat_amount", "net_amount"),
                *("processor_fees_amount", "tips_amount"),
            ),
            0,
        ),
    },
    "audit_event": {
        "id": 1,
        "happened_at": datetime(2026, 11, 24, tzinfo=UTC),
        "actor": "usr_1",
        "action": "acted",
        "subject": "cmp_1",
        "reason": "",
        "details": {},
    },
    "event": {
        "id": 1,
        "name": "campaign.launched",
        "subject": "cmp_1",
        "happened_at": datetime(2026, 11, 24, tzinfo=UTC),
        "details": {},
    },
}

pytestmark = pytest.mark.both_engines


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """Give a database in which each table that must not change has one row."""
    engine = sa.create_engine(database)
    configure_engine(engine)
    with Session(engine) as session:
        session.add_all([books.campaign(), DocumentSeries(name="T", last_number=1)])
        session.commit()
    with engine.begin() as connection:
        for table, row in ONE_ROW.items():
            connection.execute(sa.insert(db.metadata.tables[table]).values(row))
    yield engine
    engine.dispose()


def _other(column: sa.Column[Any]) -> object:
    """Give a value that a column of the one row does not have."""
    match column.type:
        case UtcDateTime():
            return books.NOON + timedelta(days=7)
        case sa.Date():
            return date(2026, 12, 1)
        case sa.String():
            return "other"
    return 7


def _attempts(dialect: str, name: str) -> dict[str, sa.Executable]:
    table = db.metadata.tables[name]
    first = next(iter(table.columns))
    attempts: dict[str, sa.Executable] = {"UPDATE": sa.update(table).values({first: first})}
    if once := triggers.FILLED_ONCE.get(name):
        attempts = {
            f"UPDATE {column.name}": sa.update(table).values({column: _other(column)})
            for column in table.columns
            if column.name not in once
        }
    attempts["DELETE"] = sa.delete(table)
    if dialect == "sqlite":
        attempts["REPLACE"] = sa.insert(table).prefix_with("OR REPLACE").values(ONE_ROW[name])
    else:
        attempts["TRUNCATE"] = sa.text(f"TRUNCATE {name} CASCADE")
    return attempts


def test_the_database_has_the_listed_triggers_and_no_other(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert triggers.present(connection) == triggers.expected(engine.dialect.name)


def test_every_table_of_the_list_is_tried_here() -> None:
    assert set(ONE_ROW) == set(triggers.IMMUTABLE)


@pytest.mark.parametrize("table", ONE_ROW)
def test_every_verb_that_would_change_a_row_is_refused(engine: sa.Engine, table: str) -> None:
    for verb, attempt in _attempts(engine.dialect.name, table).items():
        with pytest.raises(DatabaseError, match="immutable"), engine.begin() as connection:
            connection.execute(attempt)
        with engine.connect() as connection:
            count = sa.select(sa.func.count()).select_from(db.metadata.tables[table])
            assert connection.scalar(count) == 1, verb


@pytest.mark.parametrize("table", ONE_ROW)
def test_without_the_triggers_the_same_verbs_would_pass(engine: sa.Engine, table: str) -> None:
    for attempt in _attempts(engine.dialect.name, table).values():
        with engine.connect() as connection, connection.begin() as changes:
            if engine.dialect.name == "sqlite":
                connection.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
            else:
                connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            triggers.drop(connection, *triggers.IMMUTABLE)
            connection.execute(attempt)
            changes.rollback()


@pytest.mark.parametrize(
    ("table", "filled"),
    [
        ("document", {"voided_by_id": 2}),
        ("document", {"file_name": "a.pdf", "file_sha256": "0" * 64}),
        ("period", {"closed_at": books.NOON, "closed_by": "usr_1"}),
    ],
)
def test_what_may_be_filled_once_is_filled_and_then_immutable(
    engine: sa.Engine, table: str, filled: dict[str, Any]
) -> None:
    """A document is voided once, its file kept once, a month closed once, and never otherwise."""
    document = db.metadata.tables["document"]
    later = {**ONE_ROW["document"], "id": 2, "public_id": "doc_2", "position": 2, "number": "T-2"}
    changed = db.metadata.tables[table]
    of_the_first = sa.update(changed).where(changed.c.id == 1)
    with engine.begin() as connection:
        connection.execute(sa.insert(document).values(later))
        connection.execute(of_the_first.values(filled))

    with engine.begin() as connection:
        connection.execute(of_the_first.values(filled))
    for column in filled:
        for other in (None, _other(changed.c[column])):
            with pytest.raises(DatabaseError, match="immutable"), engine.begin() as connection:
                connection.execute(of_the_first.values({column: other}))


def test_every_column_that_is_filled_once_stands_in_an_immutable_table() -> None:
    for table, once in triggers.FILLED_ONCE.items():
        assert table in triggers.IMMUTABLE
        assert all(db.metadata.tables[table].c[name].nullable for name in once)
