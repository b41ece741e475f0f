"""The team of an organisation: roles changed, members removed, and members who leave."""

from datetime import datetime
from typing import NoReturn

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.members import get_membership, organisations_owned_alone
from octo.accounts.models import MemberRole, Membership, Organisation, User
from octo.accounts.people import get_user
from octo.accounts.permissions import MANAGE_TEAM, SEE_ORGANISATION
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.mail.outbox import enqueue
from octo.permissions import demand


class LastOwnerError(ConflictError):
    """Somebody must be able to look after the team."""

    code = "last_owner"


def change_member_role(
    user_id: str, organisation_id: str, member_id: str, *, role: MemberRole, clock: Clock
) -> Membership:
    """Give a member another role; the one they have already changes nothing."""
    with transaction() as session:
        organisation, actor = _lock_for_owner(session, user_id, organisation_id)
        membership = get_membership(session, organisation, member_id)
        if membership.role is role:
            return membership
        check_not_last_owner(session, membership)
        at = clock.now()
        _note(session, actor, membership, "team.role_changed", role, at=at)
        membership.role = role
        _tell(session, membership, "team_role_changed", at=at)
        return membership


def remove_member(user_id: str, organisation_id: str, member_id: str, *, clock: Clock) -> None:
    """Take a member out of an organisation, and tell them."""
    with transaction() as session:
        organisation, actor = _lock_for_owner(session, user_id, organisation_id)
        membership = get_membership(session, organisation, member_id)
        check_not_last_owner(session, membership)
        at = clock.now()
        _note(session, actor, membership, "team.removed", membership.role, at=at)
        _tell(session, membership, "team_removed", at=at)
        session.delete(membership)


def leave_organisation(user_id: str, organisation_id: str, *, clock: Clock) -> None:
    """Take oneself out of an organisation; nobody else needs to agree."""
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        user = get_user(session, user_id)
        demand(SEE_ORGANISATION, user, organisation)
        membership = get_membership(session, organisation, user_id)
        check_not_last_owner(session, membership)
        _note(session, user, membership, "team.left", membership.role, at=clock.now())
        session.delete(membership)


def check_not_last_owner(session: Session, membership: Membership) -> None:
    """Raise ``LastOwnerError`` if an organisation would be left without an owner.

    The organisation's row is locked by whoever asks: of two owners who go at once, one stays.
    """
    alone = organisations_owned_alone(membership.user_id)
    if membership.organisation_id in session.scalars(alone).all():
        _refuse_last_owner(membership)


def check_leaves_no_team_alone(session: Session, user: User) -> None:
    """Raise ``LastOwnerError`` if others of an organisation were left without an owner."""
    others = sa.select(Membership.organisation_id).where(Membership.user_id != user.id)
    alone = sa.select(Membership).where(
        Membership.user_id == user.id,
        Membership.organisation_id.in_(organisations_owned_alone(user.id)),
        Membership.organisation_id.in_(others),
    )
    for membership in session.scalars(alone):
        _refuse_last_owner(membership)


def _refuse_last_owner(membership: Membership) -> NoReturn:
    raise LastOwnerError(
        N_("%(organisation)s has no other owner: make somebody else an owner first."),
        organisation=membership.organisation.name,
    )


def _lock_for_owner(
    session: Session, user_id: str, organisation_id: str
) -> tuple[Organisation, User]:
    organisation = lock(session, Organisation, public_id=organisation_id)
    actor = get_user(session, user_id)
    demand(MANAGE_TEAM, actor, organisation)
    return organisation, actor


def _note(
    session: Session,
    actor: User,
    membership: Membership,
    action: str,
    role: MemberRole,
    *,
    at: datetime,
) -> None:
    record(
        session,
        actor=actor.public_id,
        action=action,
        subject=membership.organisation.public_id,
        at=at,
        member=membership.user.public_id,
        role=role.value,
    )


def _tell(session: Session, membership: Membership, template: str, *, at: datetime) -> None:
    user = membership.user
    enqueue(
        session,
        to=user.email,
        locale=user.locale,
        template=template,
        context={
            "name": user.name,
            "organisation_id": membership.organisation.public_id,
            "organisation_name": membership.organisation.name,
            "role": membership.role.value,
        },
        at=at,
    )
