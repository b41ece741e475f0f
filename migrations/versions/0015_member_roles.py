"""Give members and invitations a role; whoever could do everything so far is an owner.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from migrations.altering import altering

revision = "0015"
down_revision = "0014"

_ROLES = "role IN ('edit', 'answer', 'deliver', 'money', 'owner')"


def upgrade() -> None:
    for table in ("membership", "invitation"):
        op.add_column(table, sa.Column("role", sa.String(length=24), nullable=True))
        op.execute(sa.table(table, sa.column("role")).update().values(role="owner"))
        with altering(table) as batch:
            batch.alter_column("role", existing_type=sa.String(length=24), nullable=False)
            batch.create_check_constraint(op.f(f"ck_{table}_member_role_known"), _ROLES)


def downgrade() -> None:
    """Every member could do everything: who may not is none, and can be invited again."""
    op.execute("DELETE FROM invitation WHERE role <> 'owner'")
    op.execute("DELETE FROM membership WHERE role <> 'owner'")
    for table in ("invitation", "membership"):
        with altering(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_member_role_known"), type_="check")
            batch.drop_column("role")
