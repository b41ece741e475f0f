"""Memory of a worker that settles a small campaign, and one of a hundred thousand pledges.

The rows are written in bulk, refunds are answered at once by a stub, and the books count as
compared: what is measured is planning, claiming, sending and writing down.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from bench.figures import Figure
from bench.places import DATABASES, migrate, running_site, scratch
from bench.settlements import end_campaign, run_settling
from bench.settling import Taken
from bench.stub import running_stub
from octo.clock import DatabaseClock
from octo.database import transaction
from payments.gateway.send_conditions import epoch
from payments.models import BooksState, Reconciliation
from stripe_sandbox.client import SandboxClient
from tests import site
from tests.crowd import gather, movements_of_nowhere
from tests.make import Make
from tests.moment import Moment

FEW: Final = 1_000
MANY: Final = 100_000
SENT_OF_MANY: Final = 5_000
MEGABYTE: Final = 1_000_000
TARGET_MEGABYTES: Final = 20.0


def measure() -> Iterator[Figure]:
    """Measure both databases."""
    for name in DATABASES:
        few = _settle(name, FEW, enough=FEW).peak_bytes / MEGABYTE
        many = _settle(name, MANY, enough=SENT_OF_MANY).peak_bytes / MEGABYTE
        yield Figure(f"{name}: memory with {FEW:,} pledges", few, "MB")
        yield Figure(f"{name}: memory with {MANY:,} pledges", many, "MB")
        yield Figure(
            f"{name}: memory, {MANY:,} pledges less {FEW:,}",
            many - few,
            "MB",
            TARGET_MEGABYTES,
            higher_is_better=False,
            note=f"peak of the worker: all {FEW:,} refunded, and the first {SENT_OF_MANY:,}",
        )


def _settle(name: str, pledges: int, *, enough: int) -> Taken:
    with scratch() as folder, DATABASES[name](folder) as url, running_stub() as stub:
        migrate(url, folder)
        settings = {**site.site_environ(url, folder), "STRIPE_API_BASE": stub}
        with running_site(url, folder, **settings) as app:
            make = Make(app, Moment(app, SandboxClient(stub, "sk_test_none")))
            campaign = make.live_campaign(goal=10**10, is_ready=False)
            gather(campaign, movements_of_nowhere(pledges))
            end_campaign(campaign.id)
            _take_as_compared()
        return run_settling(settings, "--enough", str(enough))


def _take_as_compared() -> None:
    """Write that the books were compared just now: there is no Stripe to compare them with."""
    with transaction() as session:
        session.add(
            Reconciliation(
                id=1,
                state=BooksState.CURRENT,
                compared_at=DatabaseClock().machine_now(),
                epoch=session.execute(sa.select(epoch(session))).scalar_one(),
            )
        )
