"""Keep why, and from when to when, an outage moved a deadline.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "outage_extension",
        sa.Column("id", big, nullable=False),
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("previous_deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("extended_by", sa.String(length=40), nullable=False),
        sa.Column("extended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "deadline_at > previous_deadline_at", name=op.f("ck_outage_extension_gives_time")
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_outage_extension_says_why")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_outage_extension_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage_extension")),
    )
    op.create_index(
        "ix_outage_extension_campaign_id", "outage_extension", ["campaign_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_outage_extension_campaign_id", table_name="outage_extension")
    op.drop_table("outage_extension")
