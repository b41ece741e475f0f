"""Let work come to its end without the waits that only machine time would end."""

import time
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from octo.database import transaction
from payments.models import Attempt
from tests.make import Make

PATIENCE_SECONDS: Final = 60


def finish(make: Make) -> None:
    """Work until nothing waits, as if every pause and every lease of another had passed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while make.work().waiting:
        assert time.monotonic() < end, "something never came to its end"
        let_pauses_pass(make)
        time.sleep(0.05)


def let_pauses_pass(make: Make) -> None:
    """Make every open call due now."""
    with transaction() as session:
        past = make.moment.clock.machine_now() - timedelta(seconds=1)
        session.execute(
            sa.update(Attempt)
            .where(Attempt.closed_at.is_(None))
            .values(not_before=past, lease_until=None)
        )
