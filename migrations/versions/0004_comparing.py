"""Keep how the books stand towards Stripe, and let a person explain a difference.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0004"
down_revision = "0003"

EXPLAINED_BY = "(explained_at IS NULL) = (explained_by IS NULL)"
EXPLAINED_IN_WORDS = "(explained_at IS NULL) = (explanation IS NULL)"


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("standing", sa.String(length=24), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.String(length=80), nullable=False),
        sa.Column("whole_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_whole_wanted", sa.Boolean(), nullable=False),
        sa.Column("seen_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_reconciliation_only_one_row")),
        sa.CheckConstraint(
            "standing <> 'current' OR compared_at IS NOT NULL",
            name=op.f("ck_reconciliation_current_was_compared"),
        ),
        sa.CheckConstraint(
            "standing IN ('unchecked', 'current', 'older')",
            name=op.f("ck_reconciliation_standing_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    with altering("discrepancy") as batch:
        batch.add_column(sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("explained_by", sa.String(length=40), nullable=True))
        batch.add_column(sa.Column("explanation", sa.Text(), nullable=True))
        batch.create_check_constraint(op.f("ck_discrepancy_explained_by_someone"), EXPLAINED_BY)
        batch.create_check_constraint(op.f("ck_discrepancy_explained_in_words"), EXPLAINED_IN_WORDS)
        batch.create_index("ix_discrepancy_campaign_id_resolved_at", ["campaign_id", "resolved_at"])


def downgrade() -> None:
    with altering("discrepancy") as batch:
        batch.drop_index("ix_discrepancy_campaign_id_resolved_at")
        batch.drop_constraint(op.f("ck_discrepancy_explained_in_words"), type_="check")
        batch.drop_constraint(op.f("ck_discrepancy_explained_by_someone"), type_="check")
        batch.drop_column("explanation")
        batch.drop_column("explained_by")
        batch.drop_column("explained_at")
        batch.drop_column("occurred_at")
    op.drop_table("reconciliation")
