"""A guarded account never goes below zero, whoever posts at once, and loses nothing."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octo.database import db, reading, transaction
from payments.accounting.check import check_ledger
from payments.ledger import accounts
from payments.ledger.balances import balance_of
from payments.ledger.drafts import EntryDraft, MovementFacts, TransactionDraft
from payments.ledger.guarded import AccountOverdrawnError
from payments.ledger.models import LedgerGuard, LedgerTransaction, StripeMovement
from payments.ledger.posting import adopt_alone, post, post_many
from tests.payments.accounting.books import NOON, Books, movement

pytestmark = pytest.mark.both_engines
POT, OTHER = "pot:prt_1", "pot:prt_2"


@pytest.fixture
def books(books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Open books with pots that may not be overdrawn, until the test ends."""
    monkeypatch.setattr(accounts, "_KINDS", dict(accounts._KINDS))
    accounts.register(
        accounts.AccountKind(
            name="pot",
            label="Pot",
            category=accounts.Category.LIABILITY,
            keeper=accounts.Keeper("partner", id_prefix="prt"),
            pcg_number="4681",
            pca_number="4672",
            is_guarded=True,
        )
    )
    return books


def entries(pots: dict[str, int], *, other: str = "bank") -> tuple[EntryDraft, ...]:
    return tuple(
        EntryDraft(other, pot, amount, "EUR")
        if amount > 0
        else EntryDraft(pot, other, -amount, "EUR")
        for pot, amount in pots.items()
    )


def pay(reference: str, amount: int, *, pot: str = POT) -> TransactionDraft:
    """Draft what is put into a pot, or taken out of it where the amount is negative."""
    return TransactionDraft(reference, "topup", NOON, None, entries({pot: amount}))


def left_on(pot: str = POT) -> int | None:
    with reading() as session:
        return session.scalar(sa.select(LedgerGuard.balance).filter_by(account=pot))


def count() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(LedgerTransaction)) or 0


def faults() -> list[str]:
    with reading() as session:
        return [f"{one.rule} {one.subject} {one.what}" for one in check_ledger(session).faults]


def at_once(jobs: list[Callable[[], None]]) -> list[Exception]:
    """Run jobs in threads of their own, all beginning together; give what they raised."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    start = threading.Barrier(len(jobs))
    failures: list[Exception] = []

    def run(job: Callable[[], None]) -> None:
        try:
            with app.app_context():
                start.wait()
                job()
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_what_is_not_there_cannot_be_taken(books: Books) -> None:
    books.post(pay("in", 10_00))

    with pytest.raises(AccountOverdrawnError) as refused:
        books.post(pay("out", -10_01))

    assert refused.value.code == "account_overdrawn"
    assert (left_on(), balance_of(POT), count()) == (10_00, -10_00, 1)
    books.post(pay("out", -10_00))
    assert left_on() == 0
    assert faults() == []


def test_nothing_can_be_taken_from_what_never_held_anything(books: Books) -> None:
    with pytest.raises(AccountOverdrawnError):
        books.post(pay("out", -1))

    assert (left_on(), count()) == (None, 0)


def test_what_is_posted_together_is_judged_together(books: Books) -> None:
    with transaction() as session:
        post_many(session, [pay("a_out", -3_00), pay("b_in", 5_00)])
    with pytest.raises(AccountOverdrawnError), transaction() as session:
        post_many(session, [pay("c_in", 9_00, pot=OTHER), pay("d_out", -2_01)])

    assert (left_on(), left_on(OTHER), count()) == (2_00, None, 2)


def test_a_refused_posting_leaves_the_rest_of_its_transaction(books: Books) -> None:
    with transaction() as session:
        post(session, pay("in", 1_00))
        with pytest.raises(AccountOverdrawnError):
            post(session, pay("out", -2_00))
        post(session, pay("less", -1_00))

    assert (left_on(), count()) == (0, 2)
    assert faults() == []


def test_posting_again_takes_nothing_again(books: Books) -> None:
    for _ in range(2):
        books.post(pay("in", 5_00))
        books.post(pay("out", -4_00))

    assert (left_on(), count()) == (1_00, 2)


def test_a_movement_from_a_pot_is_refused_with_its_movement(books: Books) -> None:
    def adopt(amount: int) -> None:
        seen = movement(amount, kind="pot")
        adopt_alone(seen, _booked(seen))

    adopt(3_00)
    with pytest.raises(AccountOverdrawnError):
        adopt(-4_00)
    adopt(-3_00)

    assert left_on() == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(StripeMovement)) == 2
    assert faults() == []


def _booked(seen: MovementFacts) -> TransactionDraft:
    moved = entries({POT: seen.amount}, other="stripe_balance")
    return TransactionDraft(
        seen.stripe_balance_transaction_id, "topup", seen.occurred_at, None, moved
    )


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(st.sampled_from([POT, OTHER]), st.integers(-50, 50).filter(bool)),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=10,
    )
)
def test_it_is_refused_exactly_when_it_would_go_below_zero(
    books: Books, batches: list[list[tuple[str, int]]]
) -> None:
    held = Counter({pot: left_on(pot) or 0 for pot in (POT, OTHER)})
    first = count()
    for number, batch in enumerate(batches):
        wanted = Counter(held)
        for pot, amount in batch:
            wanted[pot] += amount
        drafts = [
            pay(f"{first}:{number}:{place}", amount, pot=pot)
            for place, (pot, amount) in enumerate(batch)
        ]
        is_refused = False
        try:
            with transaction() as session:
                post_many(session, drafts)
        except AccountOverdrawnError:
            is_refused = True

        assert is_refused == (min(wanted.values()) < 0)
        held = held if is_refused else wanted
        assert [left_on(pot) or 0 for pot in (POT, OTHER)] == [held[POT], held[OTHER]]
        assert [-balance_of(pot) for pot in (POT, OTHER)] == [held[POT], held[OTHER]]
    db.session.rollback()


def test_eight_threads_never_spend_more_than_there_is(books: Books) -> None:
    """Each takes 1.00 ten times and puts one back, where 50.00 were: some are refused."""
    books.post(pay("in", 50_00))
    refused: list[str] = []

    def spend(number: int) -> None:
        for turn in range(10):
            try:
                with transaction() as session:
                    post(session, pay(f"out:{number}:{turn}", -1_00))
            except AccountOverdrawnError:
                refused.append(f"{number}:{turn}")
        with transaction() as session:
            post(session, pay(f"late:{number}", 1_00))

    assert at_once([partial(spend, number) for number in range(8)]) == []
    taken = 80 - len(refused)
    assert left_on() == -balance_of(POT) == 50_00 + 8_00 - taken * 1_00
    assert count() == 1 + 8 + taken
    assert faults() == []


def test_eight_threads_across_pots_wait_for_each_other_in_no_ring(books: Books) -> None:
    """Each moves money between two pots, in an order of its own: the sum stays what it was."""
    with transaction() as session:
        post_many(session, [pay("in:1", 40_00), pay("in:2", 40_00, pot=OTHER)])

    def move(number: int) -> None:
        one, two = (POT, OTHER) if number % 2 else (OTHER, POT)
        for turn in range(10):
            entry = EntryDraft(one, two, 1_00, "EUR")
            draft = TransactionDraft(f"move:{number}:{turn}", "topup", NOON, None, (entry,))
            with transaction() as session:
                post(session, draft)

    assert at_once([partial(move, number) for number in range(8)]) == []
    assert (left_on(POT), left_on(OTHER)) == (40_00, 40_00)
    assert faults() == []


def test_the_first_two_to_fill_a_pot_both_do(books: Books) -> None:
    def fill(number: int) -> None:
        with transaction() as session:
            post(session, pay(f"in:{number}", 1_00))

    assert at_once([partial(fill, number) for number in range(8)]) == []
    assert left_on() == 8_00
    assert faults() == []


@pytest.mark.parametrize(
    "fault", ["UPDATE ledger_guard SET balance = balance + 1", "DELETE FROM ledger_guard"]
)
def test_a_guard_that_is_wrong_is_a_fault(books: Books, fault: str) -> None:
    books.post(pay("in", 5_00))
    with transaction() as session:
        session.execute(sa.text(fault))

    assert [found.split()[0] for found in faults()] == ["guards"]


def test_the_database_refuses_a_guard_below_zero(books: Books) -> None:
    books.post(pay("in", 5_00))

    with pytest.raises(sa.exc.IntegrityError, match="not_overdrawn"), transaction() as session:
        session.execute(sa.text("UPDATE ledger_guard SET balance = -1"))


def test_what_is_not_guarded_has_no_row_and_no_limit(books: Books) -> None:
    books.charge(books.campaign())

    with reading() as session:
        assert session.scalars(sa.select(LedgerGuard)).all() == []
