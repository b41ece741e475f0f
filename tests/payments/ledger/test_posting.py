"""Posting: once per reference, one movement for one transaction, and never in part."""

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event

from octo.database import db, transaction
from payments.accounting import chart, entries
from payments.ledger.balances import balance_of
from payments.ledger.drafts import EntryDraft, TransactionDraft
from payments.ledger.models import LedgerEntry, LedgerTransaction, StripeMovement
from payments.ledger.posting import (
    ForeignMovementError,
    MovementMismatchError,
    ReferenceTakenError,
    adopt_alone,
    adopt_many,
    post_many,
    reverse,
)
from tests.payments.accounting.books import NOON, Books, movement, payment

pytestmark = pytest.mark.both_engines


def count(table: type[LedgerEntry | LedgerTransaction | StripeMovement]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def topup(amount: int = 500_00) -> TransactionDraft:
    return entries.topup(movement(amount, kind="topup"))


def test_a_charge_is_kept_whole(books: Books) -> None:
    campaign = books.campaign()
    paid = books.charge(campaign, amount=50_00, tip=2_00)

    found = db.session.scalars(sa.select(StripeMovement)).one()
    posted = db.session.get_one(LedgerTransaction, found.transaction_id)
    assert (found.amount, found.fee, found.net) == (52_00, 1_03, 50_97)
    assert found.source == paid.stripe_charge_id
    assert found.campaign_id == posted.campaign_id == campaign.id
    assert posted.reference == f"charge:{paid.public_id}"
    assert posted.occurred_at == found.occurred_at
    assert posted.posted_at.tzinfo is not None
    assert balance_of(chart.STRIPE_BALANCE) == 50_97
    assert balance_of(chart.campaign_funds(campaign)) == -50_00
    assert balance_of(chart.tips_held(campaign)) == -2_00
    assert balance_of(chart.PROCESSOR_FEES) == 1_03


def test_the_same_transaction_again_is_the_one_that_stands(books: Books) -> None:
    draft = topup()

    assert books.post(draft) == books.post(draft)

    assert count(LedgerTransaction) == count(LedgerEntry) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "stripe_fee"},
        {"occurred_at": NOON},
        {"entries": (EntryDraft(chart.BANK, chart.STRIPE_BALANCE, 1, "EUR"),)},
    ],
)
def test_another_transaction_under_a_reference_is_refused(
    books: Books, change: dict[str, object]
) -> None:
    draft = topup()
    books.post(draft)

    with pytest.raises(ReferenceTakenError):
        books.post(replace(draft, **change))  # type: ignore[arg-type]  # by parameter

    assert count(LedgerTransaction) == 1
    assert balance_of(chart.STRIPE_BALANCE) == 500_00


def test_many_are_posted_in_one_commit_and_repeats_among_them_once(books: Books) -> None:
    first, second = topup(1_00), topup(2_00)
    books.post(first)

    with transaction() as session:
        ids = post_many(session, [second, first, second])

    assert ids[0] == ids[2] != ids[1]
    assert count(LedgerTransaction) == 2
    assert balance_of(chart.STRIPE_BALANCE) == 3_00


def test_posting_nothing_is_nothing(books: Books) -> None:
    with transaction() as session:
        assert post_many(session, []) == []


def test_a_movement_is_adopted_once_by_whoever_hears_of_it(books: Books) -> None:
    seen = movement(500_00, kind="topup")
    draft = entries.topup(seen)

    assert books.adopt(seen, draft) is not None
    assert books.adopt(seen, draft) is None
    assert books.adopt(seen, replace(draft, reference="another name")) is None

    assert count(LedgerTransaction) == count(StripeMovement) == 1
    assert balance_of(chart.STRIPE_BALANCE) == 500_00


def test_another_movement_under_a_reference_is_refused(books: Books) -> None:
    first, second = movement(1_00, kind="topup"), movement(1_00, kind="topup")
    books.adopt(first, entries.topup(first))

    with pytest.raises(ReferenceTakenError):
        books.adopt(
            second, replace(entries.topup(second), reference=entries.topup(first).reference)
        )

    assert count(StripeMovement) == 1


def test_a_movement_adopted_alone_is_checked_and_adopted_once_too(books: Books) -> None:
    first, second = movement(5_00, kind="topup"), movement(6_00, kind="topup")
    draft = entries.topup(first)

    assert adopt_alone(first, draft) is not None
    assert adopt_alone(first, draft) is None
    with pytest.raises(ReferenceTakenError):
        adopt_alone(second, replace(entries.topup(second), reference=draft.reference))
    with pytest.raises(MovementMismatchError):
        adopt_alone(replace(second, net=5_99), entries.topup(second))

    assert count(LedgerTransaction) == count(StripeMovement) == 1
    assert balance_of(chart.STRIPE_BALANCE) == 5_00


def test_posting_reads_no_more_of_a_long_ledger_than_of_a_short_one(books: Books) -> None:
    if db.engine.dialect.name != "postgresql":
        return
    with transaction() as session:
        seen = [movement(1_00, kind="topup") for _ in range(2000)]
        adopt_many(session, [(one, entries.topup(one)) for one in seen])
    with transaction() as session:
        session.execute(sa.text("ANALYZE"))
    scanned = sa.text(
        "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'stripe_movement'"
    )

    with transaction() as session:
        seen = [movement(1_00, kind="topup") for _ in range(50)]
        adopt_many(session, [(one, entries.topup(one)) for one in seen])
        assert session.scalar(scanned) == 0


def test_known_and_new_movements_are_adopted_together(books: Books) -> None:
    known, new = movement(1_00, kind="topup"), movement(2_00, kind="topup")
    books.adopt(known, entries.topup(known))

    with transaction() as session:
        ids = adopt_many(session, [(known, entries.topup(known)), (new, entries.topup(new))])

    assert ids[0] is None
    assert ids[1] is not None
    assert balance_of(chart.STRIPE_BALANCE) == 3_00


def test_converted_money_is_refused_before_anything_is_written(books: Books) -> None:
    converted = replace(movement(1_00), exchange_rate="1.09")
    in_dollars = replace(movement(1_00), currency="USD")
    in_euros = entries.topup(movement(1_00))

    for seen in (converted, in_dollars):
        with pytest.raises(ForeignMovementError):
            books.adopt(seen, in_euros)

    assert count(LedgerTransaction) == count(StripeMovement) == 0


def test_an_amount_that_is_not_the_events_is_refused(books: Books) -> None:
    campaign = books.campaign()
    seen = movement(49_00, fee=1_00)

    with pytest.raises(MovementMismatchError):
        books.adopt(seen, entries.charge(payment(campaign, amount=50_00), seen))

    assert count(LedgerTransaction) == count(StripeMovement) == 0


def test_a_failure_after_posting_takes_the_posting_back(books: Books) -> None:
    def fail_after_posting() -> None:
        with transaction() as session:
            post_many(session, [topup()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_posting()

    assert count(LedgerTransaction) == count(LedgerEntry) == 0


def test_a_reversal_is_the_mirror_and_happens_once(books: Books) -> None:
    campaign = books.campaign()
    paid = books.charge(campaign, amount=50_00, tip=2_00)

    for _ in range(2):
        with transaction() as session:
            reverse(session, f"charge:{paid.public_id}", because="act_1", at=NOON)

    assert balance_of(chart.STRIPE_BALANCE) == 0
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert count(LedgerTransaction) == 2


def test_posting_a_hundred_is_one_round_trip(books: Books) -> None:
    statements: list[str] = []

    with transaction() as session:
        session.connection()
        record = lambda *arguments: statements.append(arguments[2])  # noqa: E731 - SQLAlchemy's listener
        event.listen(db.engine, "before_cursor_execute", record)
        post_many(session, [topup() for _ in range(100)])
        event.remove(db.engine, "before_cursor_execute", record)

    expected = {"postgresql": 1, "sqlite": 2}  # SQLite is in this process: no trip to save
    assert len(statements) == expected[db.engine.dialect.name]


def test_eight_threads_posting_the_same_and_their_own_lose_nothing(books: Books) -> None:
    shared = [topup(1_00) for _ in range(10)]
    own = [[topup(1_00) for _ in range(10)] for _ in range(8)]
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    failures: list[Exception] = []

    def run(mine: list[TransactionDraft]) -> None:
        try:
            with app.app_context():
                for pair in zip(shared, mine, strict=True):
                    with transaction() as session:
                        post_many(session, pair)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(mine,)) for mine in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert count(LedgerTransaction) == 90
    assert balance_of(chart.STRIPE_BALANCE) == 90_00
