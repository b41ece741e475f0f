"""Keep what was issued under a number as a document, of which a settlement says the figures.

Revision ID: 0017
Revises: 0016
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import triggers
from migrations.altering import altering

revision = "0017"
down_revision = "0016"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = {"main": "settlement", "supplementary": "settlement", "credit_note": "credit_note"}

MOVED: dict[str, sa.types.TypeEngine[Any]] = {
    "public_id": sa.String(length=40),
    "number": sa.String(length=40),
    "issued_at": sa.DateTime(timezone=True),
}

document = sa.table(
    "document",
    *map(sa.column, ("id", "kind", "series", "position", "campaign_id", "organisation_id")),
    *map(sa.column, MOVED),
)
settlement = sa.table(
    "settlement",
    *map(sa.column, ("id", "document_id", "campaign_id", "kind")),
    *map(sa.column, MOVED),
)
campaign = sa.table("campaign", sa.column("id"), sa.column("organisation_id"))


def upgrade() -> None:
    create_document()
    carry_settlements_over()
    triggers.create(op.get_bind(), "document")


def create_document() -> None:
    op.create_table(
        "document",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", BIG_ID, nullable=True),
        sa.Column("organisation_id", BIG_ID, nullable=True),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("voided_by_id", BIG_ID, nullable=True),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint("position > 0", name=op.f("ck_document_numbered_from_one")),
        sa.CheckConstraint(
            "campaign_id IS NOT NULL OR organisation_id IS NOT NULL OR user_id IS NOT NULL",
            name=op.f("ck_document_issued_for_somebody"),
        ),
        sa.CheckConstraint("voided_by_id <> id", name=op.f("ck_document_not_voided_by_itself")),
        sa.CheckConstraint(
            "(file_name IS NULL) = (file_sha256 IS NULL)",
            name=op.f("ck_document_file_has_its_hash"),
        ),
        sa.CheckConstraint("length(file_sha256) = 64", name=op.f("ck_document_file_hash_is_whole")),
        sa.ForeignKeyConstraint(
            ["series"], ["document_series.name"], name=op.f("fk_document_series")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_document_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_document_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_document_user_id")),
        sa.ForeignKeyConstraint(
            ["voided_by_id"], ["document.id"], name=op.f("fk_document_voided_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_document_public_id")),
        sa.UniqueConstraint("series", "position", name=op.f("uq_document_series_position")),
    )
    for column in ("campaign_id", "organisation_id", "user_id"):
        op.create_index(f"ix_document_{column}", "document", [column])


def carry_settlements_over() -> None:
    """Give each settlement its document; a number is its series, a dash, its place there."""
    connection = op.get_bind()
    found = connection.execute(
        sa.select(
            settlement.c.id,
            settlement.c.public_id,
            settlement.c.kind,
            settlement.c.number,
            settlement.c.issued_at,
            settlement.c.campaign_id,
            campaign.c.organisation_id,
        )
        .join(campaign, campaign.c.id == settlement.c.campaign_id)
        .order_by(settlement.c.id)
    )
    for row in found.mappings().all():
        series, _, position = row["number"].rpartition("-")
        numbered = {"series": series, "position": int(position), "kind": KINDS[row["kind"]]}
        connection.execute(sa.insert(document).values({**row, **numbered}))
    restart_ids("document")
    triggers.drop(connection, "settlement")
    op.add_column("settlement", sa.Column("document_id", BIG_ID, nullable=True))
    connection.execute(sa.update(settlement).values(document_id=settlement.c.id))
    with altering("settlement") as batch:
        batch.alter_column("document_id", existing_type=BIG_ID, nullable=False)
        batch.create_foreign_key(
            op.f("fk_settlement_document_id"), "document", ["document_id"], ["id"]
        )
        batch.create_unique_constraint(op.f("uq_settlement_document_id"), ["document_id"])
        batch.drop_constraint(op.f("uq_settlement_number"), type_="unique")
        batch.drop_constraint(op.f("uq_settlement_public_id"), type_="unique")
        for name in MOVED:
            batch.drop_column(name)
    guard_settlement()


def downgrade() -> None:
    """Have each settlement carry its number again; documents of other kinds are lost."""
    connection = op.get_bind()
    triggers.drop(connection, "settlement")
    for name, kind in MOVED.items():
        op.add_column("settlement", sa.Column(name, kind, nullable=True))
    carried = {
        name: sa.select(document.c[name])
        .where(document.c.id == settlement.c.document_id)
        .scalar_subquery()
        for name in MOVED
    }
    connection.execute(sa.update(settlement).values(carried))
    with altering("settlement") as batch:
        batch.drop_constraint(op.f("fk_settlement_document_id"), type_="foreignkey")
        batch.drop_constraint(op.f("uq_settlement_document_id"), type_="unique")
        batch.drop_column("document_id")
        for name, kind in MOVED.items():
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.create_unique_constraint(op.f("uq_settlement_public_id"), ["public_id"])
        batch.create_unique_constraint(op.f("uq_settlement_number"), ["number"])
    guard_settlement()
    triggers.drop(connection, "document")
    op.drop_table("document")


def guard_settlement() -> None:
    """Refuse every change of a settlement again; on SQLite ``altering`` has done so."""
    if op.get_bind().dialect.name == "postgresql":
        triggers.create(op.get_bind(), "settlement")


def restart_ids(table: str) -> None:
    """Have PostgreSQL give ids after those that were carried over; SQLite does by itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"  # noqa: S608 - of our own
            f" (SELECT max(id) FROM {table})) WHERE EXISTS (SELECT 1 FROM {table})"
        )
