"""Invitations to an organisation: bound to an address, with a role, open for a week."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from octo.accounts.members import add_member, find_membership
from octo.accounts.models import Invitation, MemberRole, Organisation, User
from octo.accounts.people import get_user
from octo.accounts.permissions import MANAGE_TEAM
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, transaction
from octo.email_address import find_email, normalise_email
from octo.errors import N_, ConflictError, ForbiddenError, NotFoundError
from octo.ids import hash_token, new_token
from octo.mail.outbox import enqueue
from octo.paging import Window, narrowed
from octo.permissions import demand, may

INVITATION_LASTS: Final = timedelta(days=7)


class InvitationOverError(ConflictError):
    """The link was used, is too old, or whoever sent it looks after the team no more."""

    code = "invitation_over"


class InvitedSomebodyElseError(ForbiddenError):
    """The invitation went to another address than the verified one of this account."""

    code = "invited_somebody_else"


def invite_member(
    user_id: str, organisation_id: str, *, email: str, role: MemberRole, clock: Clock
) -> None:
    """Mail a link by which the account of this address becomes a member.

    The same mail goes to an address with an account and to one without, so that nobody learns
    which is which.
    """
    address = normalise_email(email)
    token = new_token()
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        inviter = get_user(session, user_id)
        demand(MANAGE_TEAM, inviter, organisation)
        at = clock.now()
        session.add(
            Invitation(
                organisation=organisation,
                invited_by=inviter,
                email=address,
                role=role,
                token_hash=hash_token(token),
                created_at=at,
                expires_at=at + INVITATION_LASTS,
            )
        )
        _note(session, inviter, organisation, "team.invited", role, at=at)
        enqueue(
            session,
            to=address,
            locale=inviter.locale,
            template="invitation",
            context={
                "inviter_name": inviter.name or inviter.email,
                "organisation_name": organisation.name,
                "role": role.value,
                "token": token,
            },
            at=at,
        )


def accept_invitation(user_id: str, token: str, *, clock: Clock) -> Organisation:
    """Make the person to whom a link was mailed a member; the link then opens nothing more.

    Who is a member already keeps the role they have.
    """
    with transaction() as session:
        at = clock.now()
        organisation_id = get_invitation(session, token).organisation_id
        organisation = lock(session, Organisation, id=organisation_id)
        user = lock(session, User, public_id=user_id)
        invitation = lock(session, Invitation, token_hash=hash_token(token))
        if user.confirmed_at is None or user.email != invitation.email:
            raise InvitedSomebodyElseError(
                N_("This invitation went to another address: sign in with the account of that one.")
            )
        if not is_open(invitation, at):
            raise InvitationOverError(N_("This invitation was used already, or is too old."))
        if find_membership(session, organisation, user.public_id) is None:
            add_member(session, organisation, user, role=invitation.role, at=at)
            _note(session, user, organisation, "team.joined", invitation.role, at=at)
        invitation.accepted_at = at
        return organisation


def withdraw_invitations(user_id: str, organisation_id: str, *, email: str, clock: Clock) -> None:
    """Take back what was sent to an address and not accepted; its links open nothing more."""
    address = find_email(email)
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        actor = get_user(session, user_id)
        demand(MANAGE_TEAM, actor, organisation)
        waiting = sa.select(Invitation).filter_by(
            organisation_id=organisation.id, email=address, accepted_at=None
        )
        for invitation in session.scalars(waiting):
            role = invitation.role
            session.delete(invitation)
            _note(session, actor, organisation, "team.invitation_withdrawn", role, at=clock.now())


def list_open_invitations(
    session: Session, organisation: Organisation, *, at: datetime, window: Window | None = None
) -> Sequence[Invitation]:
    """Return the invitations that were not accepted and are not too old, the oldest first."""
    statement = (
        sa.select(Invitation)
        .where(
            Invitation.organisation_id == organisation.id,
            Invitation.accepted_at.is_(None),
            Invitation.expires_at > at,
        )
        .options(joinedload(Invitation.invited_by))
        .order_by(Invitation.id)
    )
    return session.scalars(narrowed(statement, window)).all()


def get_invitation(session: Session, token: str) -> Invitation:
    """Return the invitation a mailed link opens, used or not."""
    statement = sa.select(Invitation).filter_by(token_hash=hash_token(token))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def is_open(invitation: Invitation, at: datetime) -> bool:
    """Tell whether a link still opens: its sender must still look after the team."""
    is_waiting = invitation.accepted_at is None and at < invitation.expires_at
    return is_waiting and may(MANAGE_TEAM, invitation.invited_by, invitation.organisation)


def _note(
    session: Session,
    actor: User,
    organisation: Organisation,
    action: str,
    role: MemberRole,
    *,
    at: datetime,
) -> None:
    record(
        session,
        actor=actor.public_id,
        action=action,
        subject=organisation.public_id,
        at=at,
        role=role.value,
    )
