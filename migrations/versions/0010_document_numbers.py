"""Keep the numbers of documents a backup lost, and no id of the note at Stripe: it has ours.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.drop_column("stripe_platform", "note_id")
    op.create_table(
        "lost_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_document")),
        sa.UniqueConstraint("number", name=op.f("uq_lost_document_number")),
    )


def downgrade() -> None:
    op.drop_table("lost_document")
    op.add_column("stripe_platform", sa.Column("note_id", sa.String(length=255), nullable=True))
