"""The time a test plays in: business time, moved forward on the site and in the sandbox."""

from datetime import datetime, timedelta

from flask import Flask

from octo.clock import DatabaseClock, move_clock
from octo.database import db, transaction
from stripe_sandbox.client import SandboxClient
from tests.visitor import refresh


class Moment:
    """The business time of one site, and of the Stripe account it uses."""

    def __init__(self, app: Flask, sandbox: SandboxClient) -> None:
        self._app = app
        self.sandbox = sandbox
        self._clock = DatabaseClock()

    @property
    def clock(self) -> DatabaseClock:
        """What services take as their ``clock``."""
        return self._clock

    def now(self) -> datetime:
        with self._app.app_context():
            now = self._clock.now()
            db.session.rollback()
        return now

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
        """Let time pass, the sandbox's first, and return the new present."""
        return self.advance_to(self.now() + timedelta(days=days, hours=hours, seconds=seconds))

    def advance_to(self, instant: datetime) -> datetime:
        self.sandbox.advance_to(int(instant.timestamp()))
        with self._app.app_context(), transaction() as session:
            move_clock(session, self._clock, to=instant)
        refresh()
        return self.now()
