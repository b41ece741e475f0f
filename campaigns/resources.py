"""What a goal may be made of: each resource answers how it stands, the verdict is campaigns' own.

Money is one; ``payments.register`` binds it. Whoever counts hours or things binds another.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from campaigns.policy.verdict import ResourceState


class Resource(Protocol):
    """One thing that campaigns ask for, and that is promised before it is there.

    All of it is called inside a transaction that holds the campaign's row lock, but for a
    rehearsal, which only reads. Nobody outside is asked then: what must be learned first is learned
    by jobs, and is in flight until it is.
    """

    def read_state(self, session: Session, campaign: Campaign, *, at: datetime) -> ResourceState:
        """Return how this resource stands, at the deadline or while it is collected.

        While the campaign is collecting, what came in is judged; before, what is promised.
        """

    def count_collected(self, session: Session, campaign: Campaign) -> None:
        """Have the campaign count what came in of this, alone, in the second verdict's commit."""

    def confirm(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        """Do what the final success brings, in the commit that gives it."""

    def release(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        """Begin to give back what was promised, in the commit that says so."""


def bind_resource(app: Flask, resource: Resource) -> None:
    """Have the verdicts of an app ask one more resource; packages do it as they register."""
    app.extensions.setdefault("campaigns.resources", []).append(resource)


def resources_of(app: Flask) -> Sequence[Resource]:
    """Return the resources of an app, those included that are bound to it later."""
    bound: Sequence[Resource] = app.extensions["campaigns.resources"]
    return bound


def bound_resources() -> Sequence[Resource]:
    """Return the resources of the current app; for pages, API and commands only."""
    return resources_of(current_app)
