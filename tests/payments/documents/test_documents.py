"""Documents of any kind: numbers without a gap or a double, whoever issues them and when."""

import contextlib
import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from octo.database import db, reading, transaction
from payments.accounting.check import check_ledger
from payments.documents import kinds
from payments.documents.issue import issue_document, void_documents
from payments.documents.kinds import DocumentKind, get_kind
from payments.documents.numbers import format_number, parse_number, reserve_number
from payments.models import DOCUMENT_KINDS, Document, DocumentSeries
from tests.payments.accounting.books import NOON, Books

THREADS: Final = 8
ROUNDS: Final = 12
RECEIPT: Final = DocumentKind(name="receipt", prefix="Q", label="Receipt")
INVOICE: Final = DocumentKind(name="invoice", prefix="F", label="Invoice")

pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare two kinds more, as another package would; forget them at the end of the test."""
    monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))
    kinds.register(RECEIPT)
    kinds.register(INVOICE)


class ChangedMindError(Exception):
    """What was to be issued is not, after all."""


def keep_or_not(chance: random.Random) -> None:
    """Roll back three times in ten."""
    if chance.random() < 0.3:
        raise ChangedMindError


def issue(session: Session, kind: DocumentKind, *, at: datetime = NOON, **to: Any) -> Document:
    return issue_document(session, kind, at=at, time_zone="Europe/Paris", **to)


def given(series: str) -> list[int]:
    """Return the places that documents have in a series."""
    places = sa.select(Document.position).filter_by(series=series).order_by(Document.position)
    with reading() as session:
        return list(session.scalars(places))


def test_eight_threads_issue_without_a_gap_or_a_double_though_some_roll_back(books: Books) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    campaign = books.campaign()
    issued: dict[str, list[str]] = {RECEIPT.name: [], INVOICE.name: []}
    together = threading.Barrier(THREADS)

    def issue_some(seed: int) -> None:
        chance = random.Random(seed)
        together.wait()
        with app.app_context():
            for _ in range(ROUNDS):
                kind = chance.choice((RECEIPT, INVOICE))
                with contextlib.suppress(ChangedMindError):
                    with transaction() as session:
                        made = issue(session, kind, campaign=campaign)
                        keep_or_not(chance)
                    issued[kind.name].append(made.number)

    threads = [threading.Thread(target=issue_some, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(map(len, issued.values())) > THREADS
    for kind in (RECEIPT, INVOICE):
        numbers = issued[kind.name]
        series = kind.series(2026)
        assert given(series) == list(range(1, len(numbers) + 1))
        assert sorted(numbers) == [format_number(series, at) for at in given(series)]
    with reading() as session:
        assert check_ledger(session).faults == ()


def test_a_series_is_of_one_kind_and_one_year_where_the_platform_is(books: Books) -> None:
    campaign = books.campaign()
    new_year = datetime(2026, 12, 31, 23, tzinfo=UTC)  # midnight in Paris
    old_year = new_year - timedelta(seconds=1)

    with transaction() as session:
        numbers = [
            issue(session, kind, at=at, campaign=campaign).number
            for kind, at in (
                (RECEIPT, NOON),
                (RECEIPT, old_year),
                (INVOICE, NOON),
                (RECEIPT, new_year),
            )
        ]

    assert numbers == ["Q2026-0001", "Q2026-0002", "F2026-0001", "Q2027-0001"]


def test_a_number_that_stripe_has_seen_is_not_given_again(books: Books) -> None:
    campaign = books.campaign()

    with transaction() as session:
        reserve_number(session, "Q2026-0007")
        reserve_number(session, "Q2026-0003")
        after = issue(session, RECEIPT, campaign=campaign)
        found = issue(session, RECEIPT, campaign=campaign, number="Q2026-0007")

    assert (after.number, found.number) == ("Q2026-0008", "Q2026-0007")
    with reading() as session:
        assert {fault.subject for fault in check_ledger(session).faults} == {"Q2026"}


def test_the_database_refuses_a_number_given_twice_and_a_series_that_nobody_began(
    books: Books,
) -> None:
    campaign = books.campaign()
    for number in ("Q2026-0001", "Z2026-0001"):
        with transaction() as session:
            issue(session, RECEIPT, campaign=campaign)
        with pytest.raises(IntegrityError), transaction() as session:
            issue(session, RECEIPT, campaign=campaign, number=number)

    assert given("Q2026") == [1, 2]
    assert db.session.scalars(sa.select(DocumentSeries.name)).all() == ["Q2026"]


def test_a_document_is_issued_for_somebody(books: Books) -> None:
    organisation = books.campaign().organisation

    with pytest.raises(IntegrityError), transaction() as session:
        issue(session, RECEIPT)
    with transaction() as session:
        issued = issue(session, RECEIPT, organisation=organisation)

    assert (issued.organisation_id, issued.campaign_id) == (organisation.id, None)


def test_a_document_is_voided_once(books: Books) -> None:
    campaign = books.campaign()
    with transaction() as session:
        first, second, third = (issue(session, RECEIPT, campaign=campaign) for _ in range(3))
        void_documents(session, [first], by=second)

    assert (first.voided_by_id, second.voided_by_id) == (second.id, None)
    with pytest.raises(sa.exc.DBAPIError, match="immutable"), transaction() as session:
        void_documents(session, [first], by=third)


@pytest.mark.parametrize(
    "kind",
    [
        DocumentKind(name="receipt", prefix="X", label="Twice"),
        DocumentKind(name="gift", prefix="R", label="Under a settlement's letter"),
        DocumentKind(name="gift", prefix="R2", label="A year may follow"),
    ],
)
def test_a_kind_has_a_name_and_letters_of_its_own(kind: DocumentKind) -> None:
    with pytest.raises(AssertionError):
        kinds.register(kind)


def test_what_a_settlement_may_be_is_declared() -> None:
    assert {get_kind(name).prefix for name in DOCUMENT_KINDS.values()} == {"R", "A"}


@pytest.mark.parametrize("position", [1, 9_999, 10_000])
def test_a_number_is_read_as_it_was_written(position: int) -> None:
    assert parse_number(format_number("R2026", position)) == ("R2026", position)
