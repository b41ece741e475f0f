"""Sign browsers in by tokens too, which end when somebody signs out. Everybody signs in again once.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0020"
down_revision = "0019"

PURPOSES = "purpose IN ('browser', 'program')"


def upgrade() -> None:
    with altering("access_token") as batch:
        batch.add_column(
            sa.Column("purpose", sa.String(length=24), server_default="program", nullable=False)
        )
        batch.create_check_constraint(op.f("ck_access_token_purpose_known"), PURPOSES)


def downgrade() -> None:
    op.execute("DELETE FROM access_token WHERE purpose = 'browser'")
    with altering("access_token") as batch:
        batch.drop_constraint(op.f("ck_access_token_purpose_known"), type_="check")
        batch.drop_column("purpose")
