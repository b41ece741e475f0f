"""Keep what is left on accounts that may not go below zero.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "ledger_guard",
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_ledger_guard_not_overdrawn")),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_ledger_guard")),
    )


def downgrade() -> None:
    op.drop_table("ledger_guard")
