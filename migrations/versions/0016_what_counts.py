"""Have campaigns that are not judged yet count less refunds in part and disputes.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"

_PLEDGED = (
    "SELECT COALESCE(SUM(pledge.amount), 0) FROM pledge"
    " WHERE pledge.campaign_id = campaign.id AND pledge.status = 'active'"
)
_GONE = (
    "SELECT COALESCE(SUM(payment.refunded_amount - payment.refunded_tip_amount"
    " + payment.disputed_amount - payment.disputed_tip_amount), 0)"
    " FROM pledge JOIN payment ON payment.pledge_id = pledge.id"
    " WHERE pledge.campaign_id = campaign.id AND pledge.status = 'active'"
    " AND payment.status = 'succeeded' AND NOT payment.is_late"
)
_BACKERS = (
    "SELECT COUNT(*) FROM pledge"
    " WHERE pledge.campaign_id = campaign.id AND pledge.status = 'active'"
)
_UNDECIDED = "launched_at IS NOT NULL AND (outcome IS NULL OR status = 'collecting')"


def upgrade() -> None:
    op.execute(
        f"UPDATE campaign SET pledged_amount = ({_PLEDGED}) - ({_GONE}),"  # noqa: S608
        f" backers_count = ({_BACKERS}) WHERE {_UNDECIDED}"
    )


def downgrade() -> None:
    op.execute(
        f"UPDATE campaign SET pledged_amount = ({_PLEDGED})"  # noqa: S608
        f" WHERE {_UNDECIDED}"
    )
