"""Call columns and values by the field's words: state, block, reminded, external.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0012"
down_revision = "0011"

BLOCKS = "block IN ('owner', 'funds', 'balance', 'stripe', 'discrepancy', 'treasurer')"
REASONS = (
    "reason IN ('goal_missed', 'campaign_canceled', 'backer_canceled', 'too_late', 'paid_twice', "
    "'sold_out', '{external}', 'treasurer', 'tried_again', 'owner_not_paid')"
)
STATES = "{column} IN ('unchecked', 'current', '{behind}')"
COMPARED = "{column} <> 'current' OR compared_at IS NOT NULL"


def upgrade() -> None:
    rename_transfer_columns("waits_for", "block", "told_at", "reminded_at")
    with altering("transfer") as batch:
        batch.alter_column("block", existing_type=sa.String(40), type_=sa.String(24))
        batch.create_check_constraint(op.f("ck_transfer_block_known"), BLOCKS)
    rename_reversal_key("act_key", "idempotency_key", "uq_transfer_reversal_key")
    rename_state("standing", "state", "books_state", older="older", newer="behind_stripe")
    rename_buckets("pacer_bucket", "rate_bucket")
    rename_reason("by_hand", "external")


def downgrade() -> None:
    rename_reason("external", "by_hand")
    rename_buckets("rate_bucket", "pacer_bucket")
    rename_state("state", "standing", "standing", older="behind_stripe", newer="older")
    rename_reversal_key("idempotency_key", "act_key", "uq_transfer_reversal_act")
    with altering("transfer") as batch:
        batch.drop_constraint(op.f("ck_transfer_block_known"), type_="check")
        batch.alter_column("block", existing_type=sa.String(24), type_=sa.String(40))
    rename_transfer_columns("block", "waits_for", "reminded_at", "told_at")


def rename_transfer_columns(*names: str) -> None:
    with altering("transfer") as batch:
        for old, new in zip(names[::2], names[1::2], strict=True):
            batch.alter_column(old, new_column_name=new)


def rename_reversal_key(old: str, new: str, index: str) -> None:
    known = {"act_key": "uq_transfer_reversal_act", "idempotency_key": "uq_transfer_reversal_key"}
    op.drop_index(known[old], table_name="transfer_reversal")
    with altering("transfer_reversal") as batch:
        batch.alter_column(old, new_column_name=new)
    op.create_index(index, "transfer_reversal", ["transfer_id", new], unique=True)


def rename_state(old: str, new: str, named: str, *, older: str, newer: str) -> None:
    """Rename the column, its values and the CHECKs that speak of it."""
    known = {"standing": "standing", "state": "books_state"}
    with altering("reconciliation") as batch:
        batch.drop_constraint(op.f(f"ck_reconciliation_{known[old]}_known"), type_="check")
        batch.drop_constraint(op.f("ck_reconciliation_current_was_compared"), type_="check")
        batch.alter_column(old, new_column_name=new)
    row = sa.table("reconciliation", sa.column(new))
    op.execute(row.update().where(row.c[new] == older).values({new: newer}))
    behind = newer
    with altering("reconciliation") as batch:
        batch.create_check_constraint(
            op.f(f"ck_reconciliation_{named}_known"), STATES.format(column=new, behind=behind)
        )
        batch.create_check_constraint(
            op.f("ck_reconciliation_current_was_compared"), COMPARED.format(column=new)
        )


def rename_buckets(old: str, new: str) -> None:
    """Make the table anew under its name, constraints included, and carry its rows over."""
    columns = ["id", "name", "granted_until"]
    op.create_table(
        new,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("granted_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("granted_until IS NOT NULL", name=op.f(f"ck_{new}_granted_until_known")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{new}")),
        sa.UniqueConstraint("name", name=op.f(f"uq_{new}_name")),
    )
    source, target = (sa.table(name, *map(sa.column, columns)) for name in (old, new))
    op.execute(target.insert().from_select(columns, sa.select(*source.c)))
    if op.get_bind().dialect.name == "postgresql":
        numbers = sa.func.pg_get_serial_sequence(new, "id")
        last = sa.func.max(target.c.id)
        op.execute(sa.select(sa.func.setval(numbers, sa.func.coalesce(last, 1), last.is_not(None))))
    op.drop_table(old)


def rename_reason(old: str, new: str) -> None:
    """Call refunds that somebody else made by their new name, their keys included."""
    with altering("refund") as batch:
        batch.drop_constraint(op.f("ck_refund_refund_reason_known"), type_="check")
    refund = sa.table("refund", sa.column("reason"), sa.column("action_key"))
    op.execute(refund.update().where(refund.c.reason == old).values(reason=new))
    rest = sa.func.substr(refund.c.action_key, len(old) + 1)
    op.execute(
        refund.update()
        .where(refund.c.action_key.startswith(f"{old}:"))
        .values(action_key=sa.literal(new).concat(rest))
    )
    with altering("refund") as batch:
        batch.create_check_constraint(
            op.f("ck_refund_refund_reason_known"), REASONS.format(external=new)
        )
