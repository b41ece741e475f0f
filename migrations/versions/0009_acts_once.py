"""Remember which form asked for a transfer reversal, so that sent twice it asks once.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("transfer_reversal", sa.Column("act_key", sa.String(length=64), nullable=True))
    op.create_index(
        "uq_transfer_reversal_act", "transfer_reversal", ["transfer_id", "act_key"], unique=True
    )
    op.drop_index("ix_transfer_reversal_transfer_id", table_name="transfer_reversal")


def downgrade() -> None:
    op.create_index(
        "ix_transfer_reversal_transfer_id", "transfer_reversal", ["transfer_id"], unique=False
    )
    op.drop_index("uq_transfer_reversal_act", table_name="transfer_reversal")
    op.drop_column("transfer_reversal", "act_key")
