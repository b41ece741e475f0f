"""Documents: what was issued, to whom, under which number; a series never leaves one out."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from octo.database import Id, Instant, Model, PublicId, big_id


class Document(Model):
    """What was issued under a number: it never changes, and is never taken away.

    ``kind`` is declared in ``payments.documents.kinds``; what a kind says beyond this stands in a
    table of its own, which refers here. ``number`` is the series and the place in it as they
    stand on the document. Once a document is voided it names the one that voids it, and once it
    is rendered, its file; the database refuses any other change.
    """

    __tablename__ = "document"
    __table_args__ = (
        sa.CheckConstraint("position > 0", name="numbered_from_one"),
        sa.CheckConstraint(
            "campaign_id IS NOT NULL OR organisation_id IS NOT NULL OR user_id IS NOT NULL",
            name="issued_for_somebody",
        ),
        sa.CheckConstraint("voided_by_id <> id", name="not_voided_by_itself"),
        sa.CheckConstraint("(file_name IS NULL) = (file_sha256 IS NULL)", name="file_has_its_hash"),
        sa.CheckConstraint("length(file_sha256) = 64", name="file_hash_is_whole"),
        sa.UniqueConstraint("series", "position"),
        sa.Index("ix_document_campaign_id", "campaign_id"),
        sa.Index("ix_document_organisation_id", "organisation_id"),
        sa.Index("ix_document_user_id", "user_id"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    kind: Mapped[str] = mapped_column(sa.String(40))
    series: Mapped[str] = mapped_column(sa.String(40), sa.ForeignKey("document_series.name"))
    position: Mapped[int]
    number: Mapped[str] = mapped_column(sa.String(40), unique=True)
    issued_at: Mapped[Instant]
    campaign_id: Mapped[int | None] = big_id("campaign.id")
    organisation_id: Mapped[int | None] = big_id("organisation.id")
    user_id: Mapped[int | None] = big_id("user.id")
    voided_by_id: Mapped[int | None] = big_id("document.id")
    file_name: Mapped[str | None] = mapped_column(sa.String(255))
    file_sha256: Mapped[str | None] = mapped_column(sa.String(64))


class DocumentSeries(Model):
    """The last number given in one series; a row, so that no number is ever skipped."""

    __tablename__ = "document_series"
    __table_args__ = (sa.CheckConstraint("last_number >= 0", name="number_not_negative"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    last_number: Mapped[int] = mapped_column(default=0)


class LostDocument(Model):
    """A number that was given to a document which a restored backup lost: it is not given again."""

    __tablename__ = "lost_document"
    __table_args__ = ()

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(sa.String(40), unique=True)
    found_at: Mapped[Instant]
