"""Whom mails to many go to: packages declare audiences, and which event is told to which.

An audience is read a part at a time, in the order of a key that grows: whoever joins it later
comes later. A mail to ten thousand is so one row when it is caused, and the rest is a job's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask
from sqlalchemy.orm import Session

from octo.events.record import Event, EventName


@dataclass(frozen=True)
class Recipient:
    """One member of an audience; ``context`` is what the mail says to this one alone."""

    key: int
    email: str
    locale: str
    name: str
    context: Mapping[str, object] = field(default_factory=dict)


class FindRecipients(Protocol):
    """How an audience is read."""

    def __call__(
        self, session: Session, event: Event, *, after: int, limit: int
    ) -> Sequence[Recipient]:
        """Return at most ``limit`` members with a key above ``after``, by their key."""


@dataclass(frozen=True)
class Audience:
    """People who may be told of an event together, such as the backers of its campaign."""

    name: str
    find: FindRecipients


@dataclass(frozen=True)
class Announcement:
    """An event that is told to an audience by a mail; its facts are what the mail says."""

    event: EventName
    template: str
    audience: Audience


def register_announcements(app: Flask, *announcements: Announcement) -> None:
    """Have a mail written to an audience whenever an event happens."""
    for one in announcements:
        assert one not in announcements_of(app), f"{one} is registered twice"
        announcements_of(app).append(one)


def announcements_of(app: Flask) -> list[Announcement]:
    """Return what is told to whom."""
    known: list[Announcement] = app.extensions.setdefault("octo.announcements", [])
    return known
