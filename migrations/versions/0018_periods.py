"""Keep the months of the books, to be closed one after the other.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from migrations import triggers

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "substr(CAST(first_on AS varchar), 9) = '01'", name=op.f("ck_period_begins_a_month")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_period_closed_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period")),
        sa.UniqueConstraint("first_on", name=op.f("uq_period_first_on")),
    )
    triggers.create(op.get_bind(), "period")


def downgrade() -> None:
    triggers.drop(op.get_bind(), "period")
    op.drop_table("period")
