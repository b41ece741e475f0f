"""Save cards with pledges, and let a declined one be paid again.

A pledge may have several payments, of which one is under way and one counts at most.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering, replace_check

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OTHERS = "'refund_create', 'transfer_create', 'reversal_create', 'account_create'"
KINDS = f"'checkout_create', 'checkout_expire', {OTHERS}"
KINDS_NOW = (
    "'checkout_create', 'checkout_expire', 'intent_create', 'intent_confirm', 'intent_cancel', "
    f"'card_detach', {OTHERS}"
)
REASONS = (
    "'goal_missed', 'campaign_canceled', 'backer_canceled', 'too_late', 'sold_out', 'by_hand', "
    "'treasurer', 'tried_again', 'owner_not_paid'"
)
REASONS_NOW = REASONS.replace("'too_late'", "'too_late', 'paid_twice'")
UNDER_WAY = "status IN ('pending', 'processing', 'requires_action')"


def upgrade() -> None:
    op.create_table(
        "saved_card",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("pledge_id", BIG, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("stripe_checkout_session_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_setup_intent_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_payment_method_id", sa.String(length=255), nullable=True),
        sa.Column("brand", sa.String(length=24), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("reminders_count", sa.Integer(), nullable=False),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("checkout_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'saved', 'forgotten', 'expired')",
            name=op.f("ck_saved_card_card_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('saved', 'forgotten') OR (stripe_setup_intent_id IS NOT NULL AND stripe_customer_id IS NOT NULL AND stripe_payment_method_id IS NOT NULL AND saved_at IS NOT NULL)",
            name=op.f("ck_saved_card_saved_can_be_charged"),
        ),
        sa.CheckConstraint(
            "reminders_count >= 0", name=op.f("ck_saved_card_reminders_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_saved_card_campaign_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_saved_card_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_card")),
        sa.UniqueConstraint("pledge_id", name=op.f("uq_saved_card_pledge_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_saved_card_public_id")),
        sa.UniqueConstraint(
            "stripe_checkout_session_id", name=op.f("uq_saved_card_stripe_checkout_session_id")
        ),
        sa.UniqueConstraint(
            "stripe_payment_method_id", name=op.f("uq_saved_card_stripe_payment_method_id")
        ),
        sa.UniqueConstraint(
            "stripe_setup_intent_id", name=op.f("uq_saved_card_stripe_setup_intent_id")
        ),
    )
    op.create_index("ix_saved_card_campaign_id_status", "saved_card", ["campaign_id", "status"])
    with altering("campaign") as batch:
        batch.add_column(sa.Column("collecting_ends_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(
            op.f("ck_campaign_collecting_has_an_end"),
            "status <> 'collecting' OR collecting_ends_at IS NOT NULL",
        )
    with altering("payment") as batch:
        batch.add_column(sa.Column("failure_code", sa.String(length=60), nullable=True))
        batch.drop_constraint("uq_payment_pledge_id", type_="unique")
    op.create_index("ix_payment_pledge_id", "payment", ["pledge_id"])
    op.create_index(
        "uq_payment_counted_once",
        "payment",
        ["pledge_id"],
        unique=True,
        sqlite_where=sa.text("status = 'succeeded' AND is_late = 0"),
        postgresql_where=sa.text("status = 'succeeded' AND NOT is_late"),
    )
    op.create_index(
        "uq_payment_one_under_way",
        "payment",
        ["pledge_id"],
        unique=True,
        sqlite_where=sa.text(UNDER_WAY),
        postgresql_where=sa.text(UNDER_WAY),
    )
    replace_check("attempt", "ck_attempt_attempt_kind_known", f"kind IN ({KINDS_NOW})")
    replace_check("refund", "ck_refund_refund_reason_known", f"reason IN ({REASONS_NOW})")


def downgrade() -> None:
    replace_check("refund", "ck_refund_refund_reason_known", f"reason IN ({REASONS})")
    replace_check("attempt", "ck_attempt_attempt_kind_known", f"kind IN ({KINDS})")
    for index in ("uq_payment_one_under_way", "uq_payment_counted_once", "ix_payment_pledge_id"):
        op.drop_index(index, "payment")
    with altering("payment") as batch:
        batch.drop_column("failure_code")
        batch.create_unique_constraint("uq_payment_pledge_id", ["pledge_id"])
    with altering("campaign") as batch:
        batch.drop_constraint(op.f("ck_campaign_collecting_has_an_end"), type_="check")
        batch.drop_column("collecting_ends_at")
    op.drop_table("saved_card")
