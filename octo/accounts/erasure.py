"""A person leaves for good: each package says what it forgets, and when it cannot yet."""

from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from octo.accounts.members import organisations_of
from octo.accounts.models import Invitation, Membership, Organisation, User
from octo.accounts.people import get_user
from octo.accounts.roles import check_not_last_admin
from octo.accounts.team import check_leaves_no_team_alone
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, lock_all, transaction
from octo.errors import ConflictError
from octo.ids import new_token
from octo.mail.outbox import MessageStatus, OutboxMessage
from octo.mail.preferences import forget_refusals


class StillNeededError(ConflictError):
    """Money of this person, or of those who trusted them, has not reached its end."""

    code = "still_needed"


class Eraser(Protocol):
    """What another package does when a person leaves.

    It forgets the person, or raises ``StillNeededError`` for now.
    """

    def __call__(self, session: Session, user: User) -> None:
        """Take the person out of this package's rows, in the transaction of the erasure."""


def register_eraser(app: Flask, eraser: Eraser) -> None:
    """Have ``eraser`` called, in the same transaction, whenever a person is erased."""
    erasers_of(app).append(eraser)


def erasers_of(app: Flask) -> list[Eraser]:
    """Return what every package does when a person leaves."""
    known: list[Eraser] = app.extensions.setdefault("octo.erasers", [])
    return known


def erase_user(user_id: str, *, erasers: Sequence[Eraser], actor: str, clock: Clock) -> User:
    """Take a person out of their account, for good; what happened stays, without them.

    The row remains, so that the trail and the books still hold together. Each package may
    refuse for as long as it owes the person something.
    """
    with transaction() as session:
        joined = organisations_of(get_user(session, user_id).id)
        lock_all(session, Organisation, Organisation.id.in_(joined))
        user = lock(session, User, public_id=user_id)
        if user.erased_at is not None:
            return user
        check_not_last_admin(session, user)
        check_leaves_no_team_alone(session, user)
        for erase in erasers:
            erase(session, user)
        at = clock.now()
        _erase_mails(session, user, clock)
        session.execute(sa.delete(Membership).where(Membership.user_id == user.id))
        user.roles.clear()
        user.email = user.pseudonym
        user.name = ""
        user.password = None
        user.fs_uniquifier = new_token()
        user.active = False
        user.confirmed_at = None
        user.erased_at = at
        record(session, actor=actor, action="user.erased", subject=user.public_id, at=at)
        return user


def _erase_mails(session: Session, user: User, clock: Clock) -> None:
    """Forget to whom mails went; those still waiting are not sent to somebody who left."""
    pseudonym = user.pseudonym
    to_them = sa.update(OutboxMessage).where(OutboxMessage.email == user.email)
    session.execute(
        to_them.where(OutboxMessage.status == MessageStatus.PENDING).values(
            status=MessageStatus.REFUSED,
            closed_at=clock.machine_now(),
            next_try_at=None,
            last_error="erased",
        )
    )
    session.execute(to_them.values(email=pseudonym, context={}, subject=""))
    forget_refusals(session, user.email)
    invited = sa.update(Invitation).where(Invitation.email == user.email)
    session.execute(invited.values(email=pseudonym))
