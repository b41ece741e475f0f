"""Say what happens to money after the verdict: disputes shared out, transfers deducted, debts.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ZERO = sa.text("0")

REASONS = "'goal_missed', 'campaign_canceled', 'backer_canceled', 'too_late', 'sold_out', 'by_hand', 'treasurer'"
ATTEMPTS = "'checkout_create', 'checkout_expire', 'refund_create', 'transfer_create'"
LEDGER = "kind IN ('charge', 'late_charge', 'refund', 'refund_failed', 'refund_never_left',{bank} 'settlement', 'credit_note', 'transfer', 'transfer_reversal', 'debt_recovered', 'debt_written_off',{offset} 'dispute_withdrawn', 'dispute_reinstated', 'dispute_lost', 'topup', 'platform_payout', 'platform_payout_paid', 'platform_payout_failed', 'stripe_fee', 'reversal')"

CHECKS = {
    "attempt": {
        "ck_attempt_attempt_kind_known": (
            f"kind IN ({ATTEMPTS}, 'account_create')",
            f"kind IN ({ATTEMPTS}, 'reversal_create', 'account_create')",
        ),
        "ck_attempt_sent_has_an_instant": (
            "(status = 'new') = (sent_at IS NULL)",
            "status = 'failed' OR (status = 'new') = (sent_at IS NULL)",
        ),
    },
    "connected_account": {
        "ck_connected_account_owner_readiness_known": (
            "readiness IN ('pending', 'active', 'restricted')",
            "readiness IN ('pending', 'active', 'restricted', 'closed')",
        ),
    },
    "ledger_transaction": {
        "ck_ledger_transaction_transaction_kind_known": (
            LEDGER.format(bank="", offset=""),
            LEDGER.format(bank=" 'refund_paid_by_bank',", offset=" 'debt_offset',"),
        ),
    },
}
PAYMENT = {
    "ck_payment_disputed_not_negative": (
        "",
        "disputed_amount >= 0 AND disputed_tip_amount >= 0",
    ),
    "ck_payment_never_both_refunded_and_lost": (
        "",
        "refunded_amount + disputed_amount <= amount + tip_amount AND refunded_tip_amount + disputed_tip_amount <= tip_amount",
    ),
}
REFUND = {
    "ck_refund_refund_reason_known": (
        f"reason IN ({REASONS})",
        f"reason IN ({REASONS}, 'tried_again', 'owner_not_paid')",
    ),
    "ck_refund_refund_status_known": (
        "status IN ('pending', 'succeeded', 'failed')",
        "status IN ('pending', 'succeeded', 'failed', 'canceled')",
    ),
    "ck_refund_resolution_known": (
        "",
        "resolution IN ('tried_again', 'paid_by_bank', 'disputed')",
    ),
    "ck_refund_resolved_has_an_instant": ("", "(resolution IS NULL) = (resolved_at IS NULL)"),
    "ck_refund_only_failed_is_resolved": ("", "resolution IS NULL OR status = 'failed'"),
}
DISPUTE = {
    "ck_dispute_parts_not_negative": (
        "",
        "funds_amount >= 0 AND tip_amount >= 0 AND owed_amount >= 0 AND loss_amount >= 0",
    ),
    "ck_dispute_parts_sum_to_the_whole": (
        "",
        "withdrawn_amount = funds_amount + tip_amount + owed_amount + loss_amount",
    ),
    "ck_dispute_withdrawn_has_a_stage": ("", "withdrawn_amount = 0 OR stage IS NOT NULL"),
    "ck_dispute_dispute_stage_known": (
        "",
        "stage IN ('before_verdict', 'before_transfer', 'after_transfer', 'after_failure')",
    ),
}
TRANSFER = {
    "ck_transfer_amount_positive": ("amount > 0", ""),
    "ck_transfer_transfer_status_known": (
        "status IN ('pending', 'succeeded', 'reversed')",
        "status IN ('pending', 'succeeded', 'reversed', 'netted')",
    ),
    "ck_transfer_sent_has_stripe_id": (
        "status = 'pending' OR stripe_transfer_id IS NOT NULL",
        "status NOT IN ('succeeded', 'reversed') OR stripe_transfer_id IS NOT NULL",
    ),
    "ck_transfer_numbered_from_one": ("", "number > 0"),
    "ck_transfer_deductions_add_up": (
        "",
        "document_amount > 0 AND deducted_amount >= 0 AND amount = document_amount - deducted_amount",
    ),
    "ck_transfer_nothing_left_is_netted": (
        "",
        "amount >= 0 AND (amount = 0) = (status = 'netted')",
    ),
    "ck_transfer_reversed_within_amount": (
        "",
        "reversed_amount >= 0 AND reversed_amount <= amount AND (status <> 'reversed' OR reversed_amount = amount)",
    ),
    "ck_transfer_held_is_unsent": ("", "NOT is_held OR status IN ('pending', 'netted')"),
}

CHECKS |= {"payment": PAYMENT, "refund": REFUND, "dispute": DISPUTE, "transfer": TRANSFER}

ADDED: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any], Any], ...]] = {
    "payment": (
        ("disputed_tip_amount", sa.BigInteger(), ZERO),
        ("is_contested", sa.Boolean(), sa.false()),
    ),
    "refund": (
        ("resolution", sa.String(length=24), None),
        ("resolved_at", sa.DateTime(timezone=True), None),
    ),
    "dispute": (
        ("stage", sa.String(length=24), None),
        ("withdrawn_amount", sa.BigInteger(), ZERO),
        ("funds_amount", sa.BigInteger(), ZERO),
        ("tip_amount", sa.BigInteger(), ZERO),
        ("owed_amount", sa.BigInteger(), ZERO),
        ("loss_amount", sa.BigInteger(), ZERO),
    ),
    "transfer": (
        ("number", sa.Integer(), sa.text("1")),
        ("document_amount", sa.BigInteger(), ZERO),
        ("deducted_amount", sa.BigInteger(), ZERO),
        ("reversed_amount", sa.BigInteger(), ZERO),
        ("is_held", sa.Boolean(), sa.false()),
        ("told_at", sa.DateTime(timezone=True), None),
    ),
}
INDEXES = {
    "dispute": {
        "ix_dispute_payment_id": ["payment_id"],
        "ix_dispute_campaign_id": ["campaign_id"],
    },
    "transfer": {"ix_transfer_campaign_id_status": ["campaign_id", "status"]},
}
BACKFILL = (
    "UPDATE payment SET disputed_tip_amount = disputed_amount - amount WHERE disputed_amount > amount",
    "UPDATE dispute SET stage = 'before_verdict', withdrawn_amount = (SELECT disputed_amount FROM payment WHERE payment.id = payment_id), tip_amount = (SELECT disputed_tip_amount FROM payment WHERE payment.id = payment_id) WHERE status IN ('opened', 'lost')",
    "UPDATE dispute SET funds_amount = withdrawn_amount - tip_amount",
    "UPDATE payment SET is_contested = (1 = 1) WHERE id IN (SELECT payment_id FROM dispute WHERE status = 'opened')",
    "UPDATE transfer SET document_amount = amount",
    "UPDATE transfer SET reversed_amount = amount WHERE status = 'reversed'",
)


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, kind, default in columns:
            is_optional = default is None
            op.add_column(
                table, sa.Column(name, kind, nullable=is_optional, server_default=default)
            )
    for statement in BACKFILL:
        op.execute(sa.text(statement))
    _create_reversals()
    _create_debts()
    for table, checks in CHECKS.items():
        _change(table, checks)
    with altering("transfer") as batch:
        batch.drop_constraint(op.f("uq_transfer_settlement_id"), type_="unique")
        batch.create_unique_constraint("uq_transfer_number", ["settlement_id", "number"])
    for table, indexes in INDEXES.items():
        for name, on in indexes.items():
            op.create_index(name, table, on, unique=False)


def downgrade() -> None:
    for table, indexes in INDEXES.items():
        for name in indexes:
            op.drop_index(name, table_name=table)
    with altering("transfer") as batch:
        batch.drop_constraint("uq_transfer_number", type_="unique")
        batch.create_unique_constraint(op.f("uq_transfer_settlement_id"), ["settlement_id"])
    for table, checks in CHECKS.items():
        _change(table, {name: (after, before) for name, (before, after) in checks.items()})
    op.drop_table("owner_debt")
    op.drop_index("ix_transfer_reversal_campaign_id_status", table_name="transfer_reversal")
    op.drop_index("ix_transfer_reversal_transfer_id", table_name="transfer_reversal")
    op.drop_table("transfer_reversal")
    for table, columns in ADDED.items():
        for name, *_ in columns:
            op.drop_column(table, name)


def _change(table: str, checks: dict[str, tuple[str, str]]) -> None:
    """Have each CHECK say the second text instead of the first; "" is none."""
    with altering(table) as batch:
        for name, (before, after) in checks.items():
            if before:
                batch.drop_constraint(op.f(name), type_="check")
            if after:
                batch.create_check_constraint(op.f(name), sa.text(after))


def _create_reversals() -> None:
    op.create_table(
        "transfer_reversal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("transfer_id", BIG, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("debt_amount", sa.BigInteger(), nullable=False),
        sa.Column("loss_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("failure_reason", sa.String(length=80), nullable=True),
        sa.Column("stripe_reversal_id", sa.String(length=255), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(length=40), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfer_reversal_amount_positive")),
        sa.CheckConstraint(
            "debt_amount >= 0 AND loss_amount >= 0 AND debt_amount + loss_amount <= amount",
            name=op.f("ck_transfer_reversal_parts_within_the_whole"),
        ),
        sa.CheckConstraint(
            "status <> 'succeeded' OR stripe_reversal_id IS NOT NULL",
            name=op.f("ck_transfer_reversal_succeeded_has_stripe_id"),
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)",
            name=op.f("ck_transfer_reversal_closed_unless_pending"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')",
            name=op.f("ck_transfer_reversal_reversal_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_transfer_reversal_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_reversal_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_reversal")),
        sa.UniqueConstraint("public_id", name=op.f("uq_transfer_reversal_public_id")),
        sa.UniqueConstraint(
            "stripe_reversal_id", name=op.f("uq_transfer_reversal_stripe_reversal_id")
        ),
    )
    op.create_index(
        "ix_transfer_reversal_transfer_id", "transfer_reversal", ["transfer_id"], unique=False
    )
    op.create_index(
        "ix_transfer_reversal_campaign_id_status",
        "transfer_reversal",
        ["campaign_id", "status"],
        unique=False,
    )


def _create_debts() -> None:
    op.create_table(
        "owner_debt",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("incurred_amount", sa.BigInteger(), nullable=False),
        sa.Column("restored_amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered_amount", sa.BigInteger(), nullable=False),
        sa.Column("written_off_amount", sa.BigInteger(), nullable=False),
        sa.Column("left_amount", sa.BigInteger(), nullable=False),
        sa.Column("incurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "restored_amount >= 0 AND recovered_amount >= 0 AND written_off_amount >= 0",
            name=op.f("ck_owner_debt_parts_not_negative"),
        ),
        sa.CheckConstraint(
            "left_amount >= 0 AND left_amount = incurred_amount - restored_amount - recovered_amount - written_off_amount",
            name=op.f("ck_owner_debt_parts_sum_to_the_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_owner_debt_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_debt")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_owner_debt_campaign_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_owner_debt_public_id")),
    )
