"""Numbers of documents: how far each series went is noted at Stripe, and a backup is held to it."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.config import Settings
from octo.database import reading, transaction
from octo.scheduler import JobReport
from payments.documents.numbers import format_number, reserve_number
from payments.gateway import document_numbers
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Document, DocumentSeries, LostDocument, StripePlatform
from payments.reconciliation.discrepancies import DOCUMENT_NUMBER, Difference, DifferenceKind
from payments.reconciliation.run import invalidate_comparison
from payments.settings import StripeSettings


def note_given_numbers(*, gateway: Gateway, settings: Settings) -> JobReport:
    """Note at Stripe how far the series went, as soon as they have gone on.

    Should Stripe know higher numbers, these books are older than they seem: nothing is noted, and
    they are compared anew.
    """
    given = _find_unnoted()
    if not given:
        return JobReport()
    installation = settings.of(StripeSettings).installation
    try:
        noted = document_numbers.fetch_noted_numbers(gateway, installation=installation)
        with reading() as session:
            is_older = any(find_forgotten(session, noted or {}))
        if is_older:
            invalidate_comparison()
            return JobReport(waiting=["Stripe knows higher numbers of documents than these books"])
        document_numbers.note_numbers(
            gateway, given, installation=installation, is_first=noted is None
        )
    except StripeAwayError as error:
        return JobReport(waiting=[f"the numbers of documents: {error}"], is_away=True)
    _remember({**(noted or {}), **given})
    return JobReport(done=len(given))


def fetch_numbers(gateway: Gateway, settings: Settings) -> dict[str, int]:
    """Return how far Stripe knows each series to have gone, and have what it lacks noted again."""
    installation = settings.of(StripeSettings).installation
    noted = document_numbers.fetch_noted_numbers(gateway, installation=installation) or {}
    with reading() as session:
        remembered = session.scalar(sa.select(StripePlatform.noted))
    if remembered is not None and remembered != noted:
        _remember(noted)
    return noted


def find_forgotten(session: Session, noted: Mapping[str, int]) -> Iterator[Difference]:
    """Name the series of which Stripe knows a higher number than these books."""
    here = _read_series(session)
    for series, last in sorted(noted.items()):
        if last > here.get(series, 0):
            details = {
                "what": DOCUMENT_NUMBER,
                "stripe": {"last_number": last},
                "here": {"last_number": here.get(series, 0)},
            }
            yield Difference(DifferenceKind.FORGOTTEN, series, details=details)


def skip_numbers(noted: Mapping[str, int]) -> None:
    """Never give a number again that Stripe knows was given."""
    with transaction() as session:
        for series, last in sorted(noted.items()):
            reserve_number(session, format_number(series, last))


def record_lost(noted: Mapping[str, int], *, clock: Clock) -> list[str]:
    """Write down which of the numbers that were given are those of documents lost for good."""
    given = {
        format_number(series, at) for series, last in noted.items() for at in range(1, last + 1)
    }
    with transaction() as session:
        known = set(session.scalars(sa.select(Document.number)))
        known |= set(session.scalars(sa.select(LostDocument.number)))
        lost = sorted(given - known)
        session.add_all(LostDocument(number=number, found_at=clock.now()) for number in lost)
        return lost


def _find_unnoted() -> dict[str, int]:
    with reading() as session:
        here = _read_series(session)
        noted = session.scalar(sa.select(StripePlatform.noted)) or {}
    return {series: last for series, last in here.items() if last > noted.get(series, 0)}


def _read_series(session: Session) -> dict[str, int]:
    rows = session.execute(sa.select(DocumentSeries.name, DocumentSeries.last_number))
    return dict(rows.all())


def _remember(noted: Mapping[str, int]) -> None:
    with transaction() as session:
        session.execute(sa.update(StripePlatform).values(noted=dict(noted)))
