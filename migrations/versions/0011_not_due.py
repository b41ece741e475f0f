"""Keep refunds by hand of more than was due that came back: nobody is owed anything for them.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

from migrations.altering import replace_check

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    replace_check(
        "refund",
        "ck_refund_resolution_known",
        "resolution IN ('tried_again', 'paid_by_bank', 'disputed', 'not_due')",
    )


def downgrade() -> None:
    op.execute("UPDATE refund SET resolution = 'tried_again' WHERE resolution = 'not_due'")
    replace_check(
        "refund",
        "ck_refund_resolution_known",
        "resolution IN ('tried_again', 'paid_by_bank', 'disputed')",
    )
