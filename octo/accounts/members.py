"""Who belongs to an organisation, and with which role: the one place that asks."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, contains_eager

from octo.accounts.models import MemberRole, Membership, Organisation, RoleName, User
from octo.accounts.roles import get_role
from octo.errors import N_, NotFoundError
from octo.paging import Window, narrowed


def role_in(session: Session, *, user_id: int, organisation_id: int) -> MemberRole | None:
    """Return a person's role in an organisation; nothing for who does not belong to it."""
    statement = sa.select(Membership.role).filter_by(
        user_id=user_id, organisation_id=organisation_id
    )
    return session.scalar(statement)


def find_membership(
    session: Session, organisation: Organisation, user_id: str
) -> Membership | None:
    """Find a person's membership by the person's public id."""
    statement = (
        sa.select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(Membership.organisation_id == organisation.id, User.public_id == user_id)
    )
    return session.scalars(statement).one_or_none()


def get_membership(session: Session, organisation: Organisation, user_id: str) -> Membership:
    """Return the membership of a person who must have one."""
    membership = find_membership(session, organisation, user_id)
    if membership is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return membership


def organisations_of(
    user_id: int, roles: Collection[MemberRole] = tuple(MemberRole)
) -> sa.Select[int]:
    """Select the ids of the organisations where a person has one of some roles."""
    return sa.select(Membership.organisation_id).where(
        Membership.user_id == user_id, Membership.role.in_(roles)
    )


def members_of(
    organisation_id: int | sa.ScalarSelect[int],
    roles: Collection[MemberRole] = tuple(MemberRole),
) -> sa.Select[int]:
    """Select the ids of an organisation's people, those with one of some roles."""
    return sa.select(Membership.user_id).where(
        Membership.organisation_id == organisation_id, Membership.role.in_(roles)
    )


def active_members(session: Session, organisation_id: int) -> Sequence[User]:
    """Return the people of an organisation to whom mails may go."""
    statement = sa.select(User).where(User.id.in_(members_of(organisation_id)), User.active)
    return session.scalars(statement.order_by(User.id)).all()


def list_members(
    session: Session, organisation: Organisation, *, window: Window | None = None
) -> Sequence[Membership]:
    """Return the memberships of an organisation, in the order in which people joined."""
    statement = (
        sa.select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(Membership.organisation_id == organisation.id)
        .order_by(Membership.id)
    )
    return session.scalars(narrowed(statement, window)).all()


def organisations_owned_alone(user_id: int) -> sa.Select[int]:
    """Select the ids of the organisations that would be left without an active owner."""
    other = aliased(Membership)
    others = (
        sa.select(other.id)
        .join(User, User.id == other.user_id)
        .where(
            other.organisation_id == Membership.organisation_id,
            other.user_id != user_id,
            other.role == MemberRole.OWNER,
            User.active,
        )
        .exists()
    )
    return sa.select(Membership.organisation_id).where(
        Membership.user_id == user_id, Membership.role == MemberRole.OWNER, sa.not_(others)
    )


def add_member(
    session: Session, organisation: Organisation, user: User, *, role: MemberRole, at: datetime
) -> Membership:
    """Add a person to an organisation; among the people of the site they now run campaigns."""
    membership = Membership(user=user, organisation=organisation, role=role, created_at=at)
    session.add(membership)
    if not user.has_any_role(RoleName.OWNER):
        user.roles.append(get_role(session, RoleName.OWNER))
    return membership
