"""Write on each campaign the terms it was launched under; on those that run, the present ones.

What was settled keeps the rates of its document.

Revision ID: 0019
Revises: 0018
"""

import os
from typing import Final

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0019"
down_revision = "0018"

RATES: Final = {"fee_rate": ("OCTO_PLATFORM_FEE", "0.07"), "vat_rate": ("OCTO_VAT", "0.20")}
NUMBERS: Final = {
    "repair_days": ("OCTO_REPAIR_DAYS", "7"),
    "longest_days": ("OCTO_ON_PLEDGE_LONGEST_DAYS", "76"),
    "cancel_locked_hours": ("OCTO_CANCEL_LOCKED_HOURS", "24"),
    "outage_extension_hours": ("OCTO_OUTAGE_EXTENSION_HOURS", "72"),
}
LONGEST_ON_SUCCESS: Final = ("OCTO_ON_SUCCESS_LONGEST_DAYS", "90")
WHOLE: Final = " AND ".join(
    f"({name} IS NULL) = (fee_rate IS NULL)" for name in ("vat_rate", *NUMBERS)
)

campaign = sa.table(
    "campaign",
    *map(sa.column, ("id", "collection", "launched_at")),
    *map(sa.column, (*RATES, *NUMBERS)),
)
settlement = sa.table("settlement", *map(sa.column, ("campaign_id", "kind", *RATES)))


def upgrade() -> None:
    for name in RATES:
        op.add_column("campaign", sa.Column(name, sa.String(length=12), nullable=True))
    for name in NUMBERS:
        op.add_column("campaign", sa.Column(name, sa.Integer(), nullable=True))
    rates = {name: os.environ.get(*setting) for name, setting in RATES.items()}
    numbers = {name: int(os.environ.get(*setting)) for name, setting in NUMBERS.items()}
    longest_on_success = int(os.environ.get(*LONGEST_ON_SUCCESS))
    launched = sa.update(campaign).where(campaign.c.launched_at.is_not(None))
    op.execute(launched.values(**rates, **numbers))
    is_charged_later = campaign.c.collection == "on_success"
    op.execute(launched.where(is_charged_later).values(longest_days=longest_on_success))
    is_main = sa.and_(settlement.c.campaign_id == campaign.c.id, settlement.c.kind == "main")
    settled = {
        name: sa.select(settlement.c[name]).where(is_main).scalar_subquery() for name in RATES
    }
    op.execute(sa.update(campaign).where(sa.exists().where(is_main)).values(**settled))
    with altering("campaign") as batch:
        batch.create_check_constraint(op.f("ck_campaign_terms_are_whole"), WHOLE)


def downgrade() -> None:
    with altering("campaign") as batch:
        batch.drop_constraint(op.f("ck_campaign_terms_are_whole"), type_="check")
        for name in (*NUMBERS, *RATES):
            batch.drop_column(name)
