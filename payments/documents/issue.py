"""Issue a document of any kind, under the next number of its series, and void it by a later one."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.accounts.models import Organisation, User
from octo.ids import new_public_id
from payments.documents.kinds import DocumentKind
from payments.documents.numbers import format_number, next_position, parse_number
from payments.models import Document


def issue_document(
    session: Session,
    kind: DocumentKind,
    *,
    at: datetime,
    time_zone: str,
    campaign: Campaign | None = None,
    organisation: Organisation | None = None,
    user: User | None = None,
    number: str | None = None,
) -> Document:
    """Issue a document for whom or what it concerns: one of them at least.

    Its series is that of the year in which ``at`` falls in ``time_zone``, the platform's.

    Rolled back with the caller's transaction, its number is given to the next. ``number`` is
    that of a document which was issued before and which a backup has forgotten; it is reserved.
    """
    if number is None:
        series = kind.series(at.astimezone(ZoneInfo(time_zone)).year)
        position = next_position(session, series)
    else:
        series, position = parse_number(number)
    document = Document(
        public_id=new_public_id("doc"),
        kind=kind.name,
        series=series,
        position=position,
        number=format_number(series, position),
        issued_at=at,
        campaign_id=campaign.id if campaign else None,
        organisation_id=organisation.id if organisation else None,
        user_id=user.id if user else None,
    )
    session.add(document)
    session.flush()
    return document


def void_documents(session: Session, voided: Iterable[Document], *, by: Document) -> None:
    """Say of documents that a later one voids them; the database lets it be said once."""
    for document in voided:
        document.voided_by_id = by.id
    session.flush()
