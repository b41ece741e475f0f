"""One process that posts charges as fast as it can, when told to."""

import itertools
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from campaigns.models import Campaign
from octo.database import db, transaction
from payments.accounting import entries
from payments.ledger.drafts import MovementFacts
from payments.ledger.posting import adopt_alone, adopt_movement
from payments.models import Payment
from tests import site
from tests.payments.accounting import books

READY_AFTER_SECONDS: Final = 0.2
MOST_PER_SECOND: Final = 4000
_here: Final[dict[str, Any]] = {}


@dataclass(frozen=True)
class Order:
    """When to begin, for how long, on one campaign or on all, alone in the commit or not."""

    begins_at: float
    seconds: float
    is_hot: bool = True
    is_alone: bool = True


def begin(url: str, folder: Path) -> None:
    """Open the site in this process, for good."""
    app = site.build_app(site.site_environ(url, folder))
    app.app_context().push()
    _here["campaigns"] = db.session.scalars(sa.select(Campaign).order_by(Campaign.id)).all()
    db.session.expunge_all()
    db.session.commit()


def ready() -> None:
    """Answer once this process is up, slowly enough for each to answer once."""
    time.sleep(READY_AFTER_SECONDS)


def work(order: Order) -> float:
    """Post one charge a commit for some seconds; return how many a second."""
    campaigns = _here["campaigns"]
    charges = _charges(campaigns[:1] if order.is_hot else campaigns)
    enough = round(order.seconds * MOST_PER_SECOND)
    made = [
        (one, entries.charge(payment, one)) for payment, one in itertools.islice(charges, enough)
    ]
    time.sleep(max(order.begins_at - time.time(), 0))
    count, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < order.seconds:
        movement, draft = made[count]
        if order.is_alone:
            adopt_alone(movement, draft)
        else:
            with transaction() as session:
                adopt_movement(session, movement, draft)
        count += 1
    return count / elapsed


def _charges(campaigns: list[Campaign]) -> Iterator[tuple[Payment, MovementFacts]]:
    """Make charges of 52.00 that no other process makes."""
    mine = uuid.uuid4().hex[:12]
    for number, campaign in enumerate(itertools.cycle(campaigns)):
        yield charge(campaign, f"{mine}{number:010}")


def charge(campaign: Campaign, name: str) -> tuple[Payment, MovementFacts]:
    """Make a charge of 52.00 whose ids all end in this name."""
    payment = Payment(
        public_id=f"pay_{name}",
        campaign=campaign,
        amount=50_00,
        tip_amount=2_00,
        is_late=False,
    )
    seen = books.movement(52_00, fee=1_03, source=f"ch_{name}")
    return payment, replace(seen, stripe_balance_transaction_id=f"txn_{name}")
