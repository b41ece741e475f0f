"""Create the tables and the triggers that keep them.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

from migrations import triggers

revision = "0001"
down_revision = None

IMMUTABLE = ("ledger_transaction", "ledger_entry", "stripe_movement", "settlement", "audit_event")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_subject", "audit_event", ["subject", "id"], unique=False)
    op.create_table(
        "business_clock",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False),
        sa.Column("is_moving", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_business_clock_only_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_clock")),
    )
    op.create_table(
        "demo_season",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('loading', 'loaded')", name=op.f("ck_demo_season_season_state_known")
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_demo_season_only_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demo_season")),
    )
    op.create_table(
        "document_series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_number >= 0", name=op.f("ck_document_series_number_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_series")),
        sa.UniqueConstraint("name", name=op.f("uq_document_series_name")),
    )
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stripe_event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('received', 'handled', 'parked', 'ignored')",
            name=op.f("ck_inbox_event_inbox_status_known"),
        ),
        sa.CheckConstraint("tries_count >= 0", name=op.f("ck_inbox_event_tries_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint("stripe_event_id", name=op.f("uq_inbox_event_stripe_event_id")),
    )
    op.create_index(
        "ix_inbox_event_status_not_before", "inbox_event", ["status", "not_before"], unique=False
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("through_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_index(
        op.f("ix_ledger_checkpoint_through_id"), "ledger_checkpoint", ["through_id"], unique=False
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("slug", sa.String(length=120), nullable=False),
        sa.Column("legal_form", sa.String(length=24), nullable=False),
        sa.Column("registration_number", sa.String(length=9), nullable=True),
        sa.Column("place", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "legal_form IN ('association', 'cooperative', 'company', 'sole_trader', 'public_body', 'collective')",
            name=op.f("ck_organisation_legal_form_known"),
        ),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_organisation_name_not_empty")),
        sa.CheckConstraint(
            "registration_number IS NULL OR length(registration_number) = 9",
            name=op.f("ck_organisation_registration_number_is_a_siren"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_organisation_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_organisation_slug")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)",
            name=op.f("ck_outbox_message_closed_unless_pending"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'refused')",
            name=op.f("ck_outbox_message_message_status_known"),
        ),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (leased_until IS NULL)",
            name=op.f("ck_outbox_message_lease_has_an_end"),
        ),
        sa.CheckConstraint("tries_count >= 0", name=op.f("ck_outbox_message_tries_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("public_id", name=op.f("uq_outbox_message_public_id")),
    )
    op.create_index("ix_outbox_message_email", "outbox_message", ["email"], unique=False)
    op.create_index(
        "ix_outbox_message_status_next_try_at",
        "outbox_message",
        ["status", "next_try_at"],
        unique=False,
    )
    op.create_table(
        "pacer_bucket",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("granted_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "granted_until IS NOT NULL", name=op.f("ck_pacer_bucket_granted_until_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pacer_bucket")),
        sa.UniqueConstraint("name", name=op.f("uq_pacer_bucket_name")),
    )
    op.create_table(
        "poll_cursor",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("seen_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll_cursor")),
        sa.UniqueConstraint("name", name=op.f("uq_poll_cursor_name")),
    )
    op.create_table(
        "role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.CheckConstraint(
            "name IN ('owner', 'moderator', 'treasurer', 'admin')",
            name=op.f("ck_role_role_name_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_user_email_normalised")),
        sa.CheckConstraint(
            "erased_at IS NULL OR NOT active", name=op.f("ck_user_erased_is_inactive")
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR password IS NULL", name=op.f("ck_user_erased_cannot_sign_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_user_fs_uniquifier")),
        sa.UniqueConstraint("public_id", name=op.f("uq_user_public_id")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("slug", sa.String(length=120), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("summary", sa.String(length=280), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("place", sa.String(length=100), nullable=False),
        sa.Column("cover", sa.String(length=100), nullable=True),
        sa.Column("cover_description", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("goal_amount", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.String(length=24), nullable=False),
        sa.Column("duration_days", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=False),
        sa.Column("pledged_amount", sa.BigInteger(), nullable=False),
        sa.Column("backers_count", sa.Integer(), nullable=False),
        sa.Column("supporters_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'settled') = (settled_at IS NOT NULL)",
            name=op.f("ck_campaign_settled_has_an_instant"),
        ),
        sa.CheckConstraint(
            "(status IN ('draft', 'submitted', 'gathering', 'rejected')) = (launched_at IS NULL)",
            name=op.f("ck_campaign_launched_once_past_gathering"),
        ),
        sa.CheckConstraint(
            "category IN ('food', 'culture', 'education', 'environment', 'solidarity', 'craft', 'repair', 'health')",
            name=op.f("ck_campaign_category_known"),
        ),
        sa.CheckConstraint(
            "collection IN ('on_pledge', 'on_success')", name=op.f("ck_campaign_collection_known")
        ),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'failed', 'canceled')", name=op.f("ck_campaign_outcome_known")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'gathering', 'live', 'suspended', 'closing', 'collecting', 'settling', 'settled', 'rejected')",
            name=op.f("ck_campaign_campaign_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('collecting', 'settling', 'settled') OR outcome IS NOT NULL",
            name=op.f("ck_campaign_outcome_once_decided"),
        ),
        sa.CheckConstraint(
            "(launched_at IS NULL) = (deadline_at IS NULL)",
            name=op.f("ck_campaign_deadline_from_launch_on"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (decided_at IS NULL)",
            name=op.f("ck_campaign_outcome_has_an_instant"),
        ),
        sa.CheckConstraint("backers_count >= 0", name=op.f("ck_campaign_backers_not_negative")),
        sa.CheckConstraint(
            "deadline_at > launched_at", name=op.f("ck_campaign_deadline_after_launch")
        ),
        sa.CheckConstraint("duration_days > 0", name=op.f("ck_campaign_duration_positive")),
        sa.CheckConstraint("goal_amount > 0", name=op.f("ck_campaign_goal_positive")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_campaign_currency_is_a_code")),
        sa.CheckConstraint("pledged_amount >= 0", name=op.f("ck_campaign_pledged_not_negative")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_campaign_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("public_id", name=op.f("uq_campaign_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_campaign_slug")),
    )
    op.create_index(
        "ix_campaign_status_deadline_at", "campaign", ["status", "deadline_at"], unique=False
    )
    op.create_table(
        "connected_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("stripe_account_id", sa.String(length=255), nullable=True),
        sa.Column("readiness", sa.String(length=24), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "readiness <> 'active' OR stripe_account_id IS NOT NULL",
            name=op.f("ck_connected_account_active_exists_at_stripe"),
        ),
        sa.CheckConstraint(
            "readiness IN ('pending', 'active', 'restricted')",
            name=op.f("ck_connected_account_owner_readiness_known"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_connected_account_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connected_account")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_connected_account_organisation_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_connected_account_public_id")),
        sa.UniqueConstraint(
            "stripe_account_id", name=op.f("uq_connected_account_stripe_account_id")
        ),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "invited_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_invitation_expires_later")),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["user.id"], name=op.f("fk_invitation_invited_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(
        "ix_invitation_organisation_id", "invitation", ["organisation_id"], unique=False
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_membership_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("user_id", "organisation_id", name="uq_membership_once"),
    )
    op.create_index(
        "ix_membership_organisation_id", "membership", ["organisation_id"], unique=False
    )
    op.create_table(
        "user_role",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_role_user_id")),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_role")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("action_number", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("sends_count", sa.Integer(), nullable=False),
        sa.Column("stripe_object_id", sa.String(length=255), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("holder", sa.String(length=80), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'new') = (sent_at IS NULL)", name=op.f("ck_attempt_sent_has_an_instant")
        ),
        sa.CheckConstraint(
            "kind IN ('checkout_create', 'checkout_expire', 'refund_create', 'transfer_create', 'account_create')",
            name=op.f("ck_attempt_attempt_kind_known"),
        ),
        sa.CheckConstraint(
            "status IN ('new', 'sent', 'done', 'failed', 'unknown')",
            name=op.f("ck_attempt_attempt_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('done', 'failed') OR closed_at IS NOT NULL",
            name=op.f("ck_attempt_closed_has_an_instant"),
        ),
        sa.CheckConstraint(
            "action_number > 0 AND try_number > 0", name=op.f("ck_attempt_numbered_from_one")
        ),
        sa.CheckConstraint("fence >= 0", name=op.f("ck_attempt_fence_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_attempt_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_attempt_idempotency_key")),
        sa.UniqueConstraint(
            "kind", "subject", "action_number", "try_number", name="uq_attempt_action"
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_attempt_public_id")),
    )
    op.create_index(
        "ix_attempt_campaign_id_status", "attempt", ["campaign_id", "status"], unique=False
    )
    op.create_index(
        "ix_attempt_status_not_before", "attempt", ["status", "not_before", "id"], unique=False
    )
    op.create_index("ix_attempt_subject", "attempt", ["subject"], unique=False)
    op.create_table(
        "cost_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_cost_line_amount_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_cost_line_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_line")),
        sa.UniqueConstraint("campaign_id", "position", name="uq_cost_line_position"),
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_discrepancy_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
        sa.UniqueConstraint("kind", "subject", name="uq_discrepancy_once"),
    )
    op.create_table(
        "freeze",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_freeze_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
    )
    op.create_index(
        "uq_freeze_open_once",
        "freeze",
        ["campaign_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('charge', 'late_charge', 'refund', 'refund_failed', 'refund_never_left', 'settlement', 'credit_note', 'transfer', 'transfer_reversal', 'debt_recovered', 'debt_written_off', 'dispute_withdrawn', 'dispute_reinstated', 'dispute_lost', 'topup', 'platform_payout', 'platform_payout_paid', 'platform_payout_failed', 'stripe_fee', 'reversal')",
            name=op.f("ck_ledger_transaction_transaction_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_ledger_transaction_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint("reference", name=op.f("uq_ledger_transaction_reference")),
    )
    op.create_index(
        "ix_ledger_transaction_campaign_id",
        "ledger_transaction",
        ["campaign_id", "id"],
        unique=False,
    )
    op.create_table(
        "reward",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("minimum_amount", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.Column("delivery_on", sa.Date(), nullable=True),
        sa.Column("is_shipped", sa.Boolean(), nullable=False),
        sa.Column("shipping_amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("minimum_amount > 0", name=op.f("ck_reward_minimum_positive")),
        sa.CheckConstraint(
            "shipping_amount = 0 OR is_shipped",
            name=op.f("ck_reward_shipping_paid_only_if_shipped"),
        ),
        sa.CheckConstraint("shipping_amount >= 0", name=op.f("ck_reward_shipping_not_negative")),
        sa.CheckConstraint("stock IS NULL OR stock > 0", name=op.f("ck_reward_stock_positive")),
        sa.CheckConstraint(
            "stock IS NULL OR taken_count <= stock", name=op.f("ck_reward_never_oversold")
        ),
        sa.CheckConstraint("taken_count >= 0", name=op.f("ck_reward_taken_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_reward_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward")),
        sa.UniqueConstraint("campaign_id", "position", name="uq_reward_position"),
        sa.UniqueConstraint("campaign_id", "title", name="uq_reward_title"),
        sa.UniqueConstraint("public_id", name=op.f("uq_reward_public_id")),
    )
    op.create_table(
        "settlement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payments_count", sa.Integer(), nullable=False),
        sa.Column("gross_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunds_amount", sa.BigInteger(), nullable=False),
        sa.Column("disputes_amount", sa.BigInteger(), nullable=False),
        sa.Column("base_amount", sa.BigInteger(), nullable=False),
        sa.Column("fee_rate", sa.String(length=12), nullable=False),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("vat_rate", sa.String(length=12), nullable=False),
        sa.Column("vat_amount", sa.BigInteger(), nullable=False),
        sa.Column("net_amount", sa.BigInteger(), nullable=False),
        sa.Column("processor_fees_amount", sa.BigInteger(), nullable=False),
        sa.Column("tips_amount", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('main', 'supplementary', 'credit_note')",
            name=op.f("ck_settlement_settlement_kind_known"),
        ),
        sa.CheckConstraint(
            "base_amount = gross_amount - refunds_amount - disputes_amount",
            name=op.f("ck_settlement_base_adds_up"),
        ),
        sa.CheckConstraint(
            "fee_amount >= 0 AND vat_amount >= 0", name=op.f("ck_settlement_fees_not_negative")
        ),
        sa.CheckConstraint(
            "net_amount = base_amount - fee_amount - vat_amount",
            name=op.f("ck_settlement_net_adds_up"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_settlement_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("number", name=op.f("uq_settlement_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_settlement_public_id")),
    )
    op.create_index(
        "uq_settlement_main_once",
        "settlement",
        ["campaign_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'main'"),
        postgresql_where=sa.text("kind = 'main'"),
    )
    op.create_table(
        "supporter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("word", sa.String(length=280), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_supporter_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supporter")),
        sa.UniqueConstraint("campaign_id", "email", name="uq_supporter_once"),
        sa.UniqueConstraint("public_id", name=op.f("uq_supporter_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_supporter_token_hash")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "transaction_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("debit", sa.String(length=60), nullable=False),
        sa.Column("credit", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_entry_amount_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_entry_two_accounts")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_ledger_entry_currency_is_a_code")),
        sa.CheckConstraint("position > 0", name=op.f("ck_ledger_entry_numbered_from_one")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_entry_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "position", name=op.f("pk_ledger_entry")),
    )
    op.create_index(
        "ix_ledger_entry_credit", "ledger_entry", ["credit", "transaction_id"], unique=False
    )
    op.create_index(
        "ix_ledger_entry_debit", "ledger_entry", ["debit", "transaction_id"], unique=False
    )
    op.create_table(
        "pledge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("request_key", sa.String(length=64), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("reward_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("shipping_amount", sa.BigInteger(), nullable=False),
        sa.Column("tip_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("visibility", sa.String(length=24), nullable=False),
        sa.Column("message", sa.String(length=280), nullable=False),
        sa.Column("address", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("holds_reward", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'active' OR confirmed_at IS NOT NULL",
            name=op.f("ck_pledge_active_is_confirmed"),
        ),
        sa.CheckConstraint(
            "status <> 'canceled' OR canceled_at IS NOT NULL",
            name=op.f("ck_pledge_canceled_has_an_instant"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'collected', 'refunded', 'released', 'expired', 'canceled')",
            name=op.f("ck_pledge_pledge_status_known"),
        ),
        sa.CheckConstraint(
            "visibility IN ('public', 'amount_hidden', 'anonymous')",
            name=op.f("ck_pledge_visibility_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_pledge_amount_positive")),
        sa.CheckConstraint(
            "shipping_amount >= 0 AND shipping_amount < amount",
            name=op.f("ck_pledge_shipping_within_amount"),
        ),
        sa.CheckConstraint("tip_amount >= 0", name=op.f("ck_pledge_tip_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_pledge_campaign_id")
        ),
        sa.ForeignKeyConstraint(["reward_id"], ["reward.id"], name=op.f("fk_pledge_reward_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_pledge_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge")),
        sa.UniqueConstraint("public_id", name=op.f("uq_pledge_public_id")),
        sa.UniqueConstraint("request_key", name=op.f("uq_pledge_request_key")),
    )
    op.create_index(
        "ix_pledge_campaign_id_status", "pledge", ["campaign_id", "status"], unique=False
    )
    op.create_index("ix_pledge_status_expires_at", "pledge", ["status", "expires_at"], unique=False)
    op.create_index("ix_pledge_user_id", "pledge", ["user_id"], unique=False)
    op.create_table(
        "stripe_movement",
        sa.Column("stripe_balance_transaction_id", sa.String(length=255), nullable=False),
        sa.Column(
            "transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("reporting_category", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "net = amount - fee", name=op.f("ck_stripe_movement_net_is_amount_less_fee")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_stripe_movement_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_stripe_movement_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("stripe_balance_transaction_id", name=op.f("pk_stripe_movement")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_stripe_movement_transaction_id")),
    )
    op.create_index(
        "ix_stripe_movement_campaign_id", "stripe_movement", ["campaign_id"], unique=False
    )
    op.create_index(
        "ix_stripe_movement_occurred_at", "stripe_movement", ["occurred_at"], unique=False
    )
    op.create_index("ix_stripe_movement_source", "stripe_movement", ["source"], unique=False)
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "settlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("waits_for", sa.String(length=40), nullable=True),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_transfer_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_account_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status = 'pending' OR stripe_transfer_id IS NOT NULL",
            name=op.f("ck_transfer_sent_has_stripe_id"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'reversed')",
            name=op.f("ck_transfer_transfer_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfer_amount_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_transfer_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlement.id"], name=op.f("fk_transfer_settlement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_transfer_public_id")),
        sa.UniqueConstraint("settlement_id", name=op.f("uq_transfer_settlement_id")),
        sa.UniqueConstraint("stripe_transfer_id", name=op.f("uq_transfer_stripe_transfer_id")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "pledge_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tip_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_tip_amount", sa.BigInteger(), nullable=False),
        sa.Column("disputed_amount", sa.BigInteger(), nullable=False),
        sa.Column("processor_fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("stripe_checkout_session_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_setup_intent_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_charge_id", sa.String(length=255), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("checkout_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("charged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'succeeded' OR (stripe_charge_id IS NOT NULL AND charged_at IS NOT NULL)",
            name=op.f("ck_payment_succeeded_has_a_charge"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_payment_payment_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_amount_positive")),
        sa.CheckConstraint(
            "refunded_amount <= amount + tip_amount",
            name=op.f("ck_payment_never_refunded_more_than_paid"),
        ),
        sa.CheckConstraint("refunded_amount >= 0", name=op.f("ck_payment_refunded_not_negative")),
        sa.CheckConstraint(
            "refunded_tip_amount <= tip_amount",
            name=op.f("ck_payment_never_refunded_more_tip_than_paid"),
        ),
        sa.CheckConstraint("tip_amount >= 0", name=op.f("ck_payment_tip_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_payment_campaign_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_payment_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("pledge_id", name=op.f("uq_payment_pledge_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_public_id")),
        sa.UniqueConstraint("stripe_charge_id", name=op.f("uq_payment_stripe_charge_id")),
        sa.UniqueConstraint(
            "stripe_checkout_session_id", name=op.f("uq_payment_stripe_checkout_session_id")
        ),
        sa.UniqueConstraint(
            "stripe_payment_intent_id", name=op.f("uq_payment_stripe_payment_intent_id")
        ),
        sa.UniqueConstraint(
            "stripe_setup_intent_id", name=op.f("uq_payment_stripe_setup_intent_id")
        ),
    )
    op.create_index(
        "ix_payment_campaign_id_status", "payment", ["campaign_id", "status"], unique=False
    )
    op.create_index(
        "ix_payment_status_created_at", "payment", ["status", "created_at"], unique=False
    )
    op.create_table(
        "pledge_link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "pledge_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("is_mailed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_link_pledge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_pledge_link_token_hash")),
    )
    op.create_index("ix_pledge_link_pledge_id", "pledge_link", ["pledge_id"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stripe_dispute_id", sa.String(length=255), nullable=False),
        sa.Column(
            "payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('inquiry', 'opened', 'won', 'lost', 'closed')",
            name=op.f("ck_dispute_dispute_status_known"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_dispute_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_dispute_campaign_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("stripe_dispute_id", name=op.f("uq_dispute_stripe_dispute_id")),
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column(
            "payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action_key", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("funds_amount", sa.BigInteger(), nullable=False),
        sa.Column("tip_amount", sa.BigInteger(), nullable=False),
        sa.Column("owed_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("pending_reason", sa.String(length=60), nullable=True),
        sa.Column("failure_reason", sa.String(length=60), nullable=True),
        sa.Column("stripe_refund_id", sa.String(length=255), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)",
            name=op.f("ck_refund_closed_unless_pending"),
        ),
        sa.CheckConstraint(
            "reason IN ('goal_missed', 'campaign_canceled', 'backer_canceled', 'too_late', 'sold_out', 'by_hand', 'treasurer')",
            name=op.f("ck_refund_refund_reason_known"),
        ),
        sa.CheckConstraint(
            "status <> 'succeeded' OR stripe_refund_id IS NOT NULL",
            name=op.f("ck_refund_succeeded_has_stripe_id"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')",
            name=op.f("ck_refund_refund_status_known"),
        ),
        sa.CheckConstraint(
            "amount = funds_amount + tip_amount + owed_amount",
            name=op.f("ck_refund_parts_sum_to_the_whole"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount_positive")),
        sa.CheckConstraint(
            "funds_amount >= 0 AND tip_amount >= 0 AND owed_amount >= 0",
            name=op.f("ck_refund_parts_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_refund_campaign_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("action_key", name=op.f("uq_refund_action_key")),
        sa.UniqueConstraint("payment_id", "number", name="uq_refund_number"),
        sa.UniqueConstraint("public_id", name=op.f("uq_refund_public_id")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_refund_stripe_refund_id")),
    )
    op.create_index(
        "ix_refund_campaign_id_status", "refund", ["campaign_id", "status"], unique=False
    )
    triggers.create_function(op.get_bind())
    triggers.create(op.get_bind(), *IMMUTABLE)


def downgrade() -> None:
    triggers.drop(op.get_bind(), *IMMUTABLE)
    triggers.drop_function(op.get_bind())
    op.drop_index("ix_refund_campaign_id_status", table_name="refund")
    op.drop_table("refund")
    op.drop_table("dispute")
    op.drop_index("ix_pledge_link_pledge_id", table_name="pledge_link")
    op.drop_table("pledge_link")
    op.drop_index("ix_payment_status_created_at", table_name="payment")
    op.drop_index("ix_payment_campaign_id_status", table_name="payment")
    op.drop_table("payment")
    op.drop_table("transfer")
    op.drop_index("ix_stripe_movement_source", table_name="stripe_movement")
    op.drop_index("ix_stripe_movement_occurred_at", table_name="stripe_movement")
    op.drop_index("ix_stripe_movement_campaign_id", table_name="stripe_movement")
    op.drop_table("stripe_movement")
    op.drop_index("ix_pledge_user_id", table_name="pledge")
    op.drop_index("ix_pledge_status_expires_at", table_name="pledge")
    op.drop_index("ix_pledge_campaign_id_status", table_name="pledge")
    op.drop_table("pledge")
    op.drop_index("ix_ledger_entry_debit", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_credit", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_table("supporter")
    op.drop_index(
        "uq_settlement_main_once",
        table_name="settlement",
        sqlite_where=sa.text("kind = 'main'"),
        postgresql_where=sa.text("kind = 'main'"),
    )
    op.drop_table("settlement")
    op.drop_table("reward")
    op.drop_index("ix_ledger_transaction_campaign_id", table_name="ledger_transaction")
    op.drop_table("ledger_transaction")
    op.drop_index(
        "uq_freeze_open_once",
        table_name="freeze",
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.drop_table("freeze")
    op.drop_table("discrepancy")
    op.drop_table("cost_line")
    op.drop_index("ix_attempt_subject", table_name="attempt")
    op.drop_index("ix_attempt_status_not_before", table_name="attempt")
    op.drop_index("ix_attempt_campaign_id_status", table_name="attempt")
    op.drop_table("attempt")
    op.drop_table("user_role")
    op.drop_index("ix_membership_organisation_id", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_invitation_organisation_id", table_name="invitation")
    op.drop_table("invitation")
    op.drop_table("connected_account")
    op.drop_index("ix_campaign_status_deadline_at", table_name="campaign")
    op.drop_table("campaign")
    op.drop_table("user")
    op.drop_table("role")
    op.drop_table("poll_cursor")
    op.drop_table("pacer_bucket")
    op.drop_index("ix_outbox_message_status_next_try_at", table_name="outbox_message")
    op.drop_index("ix_outbox_message_email", table_name="outbox_message")
    op.drop_table("outbox_message")
    op.drop_table("organisation")
    op.drop_index(op.f("ix_ledger_checkpoint_through_id"), table_name="ledger_checkpoint")
    op.drop_table("ledger_checkpoint")
    op.drop_index("ix_inbox_event_status_not_before", table_name="inbox_event")
    op.drop_table("inbox_event")
    op.drop_table("document_series")
    op.drop_table("demo_season")
    op.drop_table("business_clock")
    op.drop_index("ix_audit_event_subject", table_name="audit_event")
    op.drop_table("audit_event")
