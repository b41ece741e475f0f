"""Balances: a checkpoint and a tail are always the sum of all entries."""

import threading
from typing import Final

import pytest
import sqlalchemy as sa
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from campaigns.models import Campaign
from octo.database import db, reading, transaction
from payments.accounting import chart, entries
from payments.accounting.check import check_ledger
from payments.accounting.cover import cover
from payments.ledger import integrity
from payments.ledger.balances import balance_of, balances_of, fold_balances
from payments.ledger.integrity import recompute
from payments.ledger.models import LedgerCheckpoint
from payments.ledger.posting import adopt_movement, post
from payments.models import Payment
from tests.payments.accounting.books import NOON, Books, dispute, movement, refund, transfer

LARGEST = 1_000_000_00

pytestmark = pytest.mark.both_engines


def test_a_balance_is_debits_less_credits_folded_or_not(books: Books) -> None:
    campaign = books.campaign()
    paid = books.charge(campaign, amount=50_00)
    before = balance_of(chart.campaign_funds(campaign))
    fold_balances()
    books.refund(paid, funds=20_00)

    assert before == -50_00
    assert balance_of(chart.campaign_funds(campaign)) == -30_00
    fold_balances()
    assert balance_of(chart.campaign_funds(campaign)) == -30_00
    assert balance_of(chart.BANK) == 0


def test_folding_counts_the_accounts_it_moved_and_rests_when_nothing_came(books: Books) -> None:
    assert fold_balances() == 0

    books.charge(books.campaign())

    assert [fold_balances(), fold_balances()] == [3, 0]


def test_cover_is_what_the_stripe_balance_leaves_once_all_are_served(books: Books) -> None:
    books.charge(books.campaign(), amount=50_00, tip=2_00)
    short = cover(db.session())
    seen = movement(500_00, kind="topup")
    books.adopt(seen, entries.topup(seen))

    assert short.amount == -1_03, "Stripe's fee is not given back with a refund"
    assert cover(db.session()).amount == 498_97


def test_a_smaller_id_that_commits_later_is_never_folded_over(books: Books) -> None:
    """The posting that got its id first commits last; the fold waits for it, not the other way."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite the writers stand in line: ids are given in the order of commits")
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    posted, may_commit = threading.Event(), threading.Event()

    def post_slowly() -> None:
        with app.app_context(), transaction() as session:
            post(session, entries.platform_payout_paid("po_1", 1_00, "EUR", at=NOON))
            posted.set()
            may_commit.wait(10)

    slow = threading.Thread(target=post_slowly)
    slow.start()
    posted.wait(10)
    books.post(entries.platform_payout_paid("po_2", 2_00, "EUR", at=NOON))
    threading.Timer(0.3, may_commit.set).start()
    fold_balances()
    slow.join()

    assert balance_of(chart.BANK) == 3_00
    with reading() as session:
        assert check_ledger(session).faults == ()


def test_eight_threads_post_to_one_account_while_it_is_folded(books: Books) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    drafts = [[entries.topup(movement(1, kind="topup")) for _ in range(15)] for _ in range(8)]

    def run(number: int) -> None:
        with app.app_context():
            for draft in drafts[number]:
                with transaction() as session:
                    post(session, draft)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        fold_balances()
    fold_balances()

    assert balance_of(chart.STRIPE_BALANCE) == 8 * 15
    kept = sa.select(LedgerCheckpoint.balance).filter_by(account=chart.STRIPE_BALANCE)
    assert db.session.scalar(kept) == 8 * 15


class History:
    """Draws business events of a few campaigns, in any order that can happen."""

    def __init__(self, books: Books, data: DataObject) -> None:
        self.books = books
        self.data = data
        self.campaigns = [books.campaign() for _ in range(2)]
        self.payments: list[Payment] = []

    def amount(self, most: int = LARGEST) -> int:
        return self.data.draw(st.integers(1, most))

    def campaign(self) -> Campaign:
        return self.data.draw(st.sampled_from(self.campaigns))

    def payment(self) -> Payment:
        if not self.payments:
            self.charge()
        return self.data.draw(st.sampled_from(self.payments))

    def charge(self) -> None:
        tip = self.data.draw(st.integers(0, 10_00))
        self.payments.append(self.books.charge(self.campaign(), amount=self.amount(), tip=tip))

    def refund(self) -> None:
        paid = self.payment()
        if paid.refundable_amount and paid.refunded_amount == 0:
            funds = self.amount(paid.amount)
            paid.refunded_amount = funds
            self.books.refund(paid, funds=funds)

    def fail_a_refund(self) -> None:
        asked = refund(self.payment(), funds=self.amount(100))
        seen = movement(asked.amount)
        self.books.adopt(seen, entries.refund_failed(asked, seen))

    def pay_the_owner(self) -> None:
        document = self.books.settle(self.campaign(), base=self.amount())
        seen = movement(-document.net_amount, kind="transfer")
        self.books.adopt(seen, entries.transfer(transfer(document), seen))

    def contest(self) -> None:
        funds, loss = self.amount(100), self.data.draw(st.integers(0, 100))
        contested = dispute(self.payment(), funds=funds, loss=loss)
        seen = movement(-contested.amount, fee=15_00, kind="adjustment")
        self.books.adopt(seen, entries.dispute_withdrawn(contested, seen))
        self.books.post(entries.dispute_lost(contested, at=NOON))

    def top_up(self) -> None:
        seen = movement(self.amount(), kind="topup")
        with transaction() as session:
            adopt_movement(session, seen, entries.topup(seen))

    def fold(self) -> None:
        fold_balances()


OF_THE_BOOKS: Final = (
    integrity.check_entries,
    integrity.check_accounts,
    integrity.check_equation,
    integrity.check_checkpoints,
    integrity.check_movements,
)
"""The rules that need no more than what is posted: a history drawn here has no other rows."""

EVENTS = ("charge", "refund", "fail_a_refund", "pay_the_owner", "contest", "top_up", "fold")


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_history_keeps_the_equation_and_the_kept_balances(
    books: Books, data: DataObject
) -> None:
    history = History(books, data)

    for event in data.draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=12)):
        getattr(history, event)()

    with reading() as session:
        kept = {(account, "EUR"): held for account, held in balances_of(session, "EUR").items()}
        rules_broken = {fault.rule for rule in OF_THE_BOOKS for fault in rule(session)}
        assert kept == recompute(session)
        assert sum(kept.values()) == 0
    assert rules_broken == set()
