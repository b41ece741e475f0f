"""Keep what happens as rows with their readers' places, mails to many, and who wants which.

Mails of today belong to no mailing. Before going back, let a worker do what is due
(``flask worker --once``): a mail to many that is not written yet is forgotten.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from migrations import triggers
from migrations.altering import altering

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "event",
        sa.Column("id", big, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=True),
        sa.Column("organisation", sa.String(length=40), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_event_name_not_empty")),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_event_subject_not_empty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_subject", "event", ["subject", "id"], unique=False)
    op.create_index("ix_event_campaign", "event", ["campaign", "id"], unique=False)
    triggers.create(op.get_bind(), "event")
    op.create_table(
        "event_cursor",
        sa.Column("id", big, nullable=False),
        sa.Column("consumer", sa.String(length=60), nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=255), nullable=False),
        sa.CheckConstraint(
            "last_event_id >= 0", name=op.f("ck_event_cursor_position_not_negative")
        ),
        sa.CheckConstraint(
            "(failing_since IS NULL) = (last_error = '')",
            name=op.f("ck_event_cursor_failure_has_a_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_cursor")),
        sa.UniqueConstraint("consumer", name=op.f("uq_event_cursor_consumer")),
    )
    op.create_table(
        "mailing",
        sa.Column("id", big, nullable=False),
        sa.Column("event_id", big, nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("audience", sa.String(length=60), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("written_count", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("position >= 0", name=op.f("ck_mailing_position_not_negative")),
        sa.CheckConstraint("written_count >= 0", name=op.f("ck_mailing_count_not_negative")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_mailing_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing")),
        sa.UniqueConstraint("event_id", "template", "audience", name=op.f("uq_mailing_once")),
    )
    op.create_index("ix_mailing_closed_at", "mailing", ["closed_at"], unique=False)
    op.create_table(
        "mail_refusal",
        sa.Column("id", big, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_mail_refusal_email_normalised")),
        sa.CheckConstraint(
            "kind <> 'transactional'", name=op.f("ck_mail_refusal_never_of_what_must_arrive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_refusal")),
        sa.UniqueConstraint("email", "kind", name=op.f("uq_mail_refusal_once")),
    )
    with altering("outbox_message") as batch:
        batch.add_column(sa.Column("mailing_id", big, nullable=True))
        batch.create_foreign_key(
            op.f("fk_outbox_message_mailing_id"), "mailing", ["mailing_id"], ["id"]
        )
        batch.create_index("uq_outbox_message_mailing", ["mailing_id", "email"], unique=True)


def downgrade() -> None:
    with altering("outbox_message") as batch:
        batch.drop_index("uq_outbox_message_mailing")
        batch.drop_constraint(op.f("fk_outbox_message_mailing_id"), type_="foreignkey")
        batch.drop_column("mailing_id")
    op.drop_table("mail_refusal")
    op.drop_index("ix_mailing_closed_at", table_name="mailing")
    op.drop_table("mailing")
    op.drop_table("event_cursor")
    triggers.drop(op.get_bind(), "event")
    op.drop_index("ix_event_campaign", table_name="event")
    op.drop_index("ix_event_subject", table_name="event")
    op.drop_table("event")
