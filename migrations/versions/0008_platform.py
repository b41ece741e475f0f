"""Remember which Stripe account this database belongs to, and what is noted there.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "stripe_platform",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stripe_account_id", sa.String(length=255), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note_id", sa.String(length=255), nullable=True),
        sa.Column("noted", sa.JSON(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_stripe_platform_only_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_platform")),
    )


def downgrade() -> None:
    op.drop_table("stripe_platform")
