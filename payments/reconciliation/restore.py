"""Catch up with Stripe after a backup was put back: what it forgot, played again in order of time.

Stripe's lists say what was charged, refunded, contested and transferred since; each of it goes
through the services it went through the first time, at the time it happened, so that pledges,
ledger and documents come out as they were.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from octo.clock import Clock
from octo.config import Settings
from octo.database import reading, transaction
from octo.errors import OctoError
from payments.context import Context
from payments.gateway.client import Gateway
from payments.gateway.facts import TransferFact, instant
from payments.gateway.lists import (
    list_charges,
    list_disputes,
    list_pages,
    list_refunds,
    list_transfers,
)
from payments.models import Discrepancy, Reconciliation
from payments.reconciliation import document_numbers, restore_objects
from payments.reconciliation.run import OVERLAP
from payments.settings import StripeSettings

_log = structlog.get_logger()


@dataclass(frozen=True, order=True)
class Scene:
    """One thing that happened: when, its place among those of the same second, and how."""

    at: datetime
    place: int
    name: str
    play: Callable[..., None] = field(compare=False)


@dataclass
class Import:
    """What was brought back, and what could not be and why, by Stripe's ids.

    Lost are the numbers of documents of which Stripe knows only that they were given.
    """

    played: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    lost_numbers: list[str] = field(default_factory=list)


def import_forgotten(*, gateway: Gateway, settings: Settings, clock: Clock) -> Import:
    """Bring back all that Stripe knows since these books last compared; may be made again.

    Each fact is a commit of its own. A document that a transfer names has its number again; any
    other gets one that was never given. Raises ``StripeAwayError``.
    """
    done = Import()
    noted = document_numbers.fetch_numbers(gateway, settings)
    document_numbers.skip_numbers(noted)
    for scene in sorted(_scenes(gateway, _read_since(), settings.of(StripeSettings).installation)):
        try:
            with transaction() as session:
                machine = clock.machine_now()
                context = Context(settings=settings, now=scene.at, machine_now=machine)
                scene.play(session, context=context)
        except (OctoError, IntegrityError, AssertionError, LookupError) as error:
            _log.exception("not_brought_back", scene=scene.name)
            done.failed[scene.name] = str(error)
        else:
            done.played.append(scene.name)
    done.lost_numbers = document_numbers.record_lost(noted, clock=clock)
    return done


def _read_since() -> datetime | None:
    """Return from when on these books may lack what Stripe has; ``None``: from the beginning."""
    with reading() as session:
        seen_until = session.scalar(sa.select(Reconciliation.seen_until))
        oldest = session.scalar(
            sa.select(sa.func.min(Discrepancy.occurred_at)).where(Discrepancy.opened())
        )
    return None if seen_until is None else min(seen_until - OVERLAP, oldest or seen_until)


def _scenes(gateway: Gateway, since: datetime | None, installation: str) -> Iterator[Scene]:
    """List what happened since; of one second, money comes before its verdict and its way out."""
    for page in list_pages(gateway, since=since):
        if page.metadata.get("octo_installation") == installation:
            yield Scene(
                page.created_at, 0, page.id, partial(restore_objects.restore_page, seen=page)
            )
    for charge in list_charges(gateway, since=since):
        is_ours = charge.metadata.get("octo_installation") == installation
        if is_ours and charge.status == "succeeded":
            play = partial(restore_objects.restore_charge, seen=charge)
            yield Scene(charge.created_at, 1, charge.id, play)
    for dispute in list_disputes(gateway, since=since):
        play = partial(restore_objects.restore_dispute, seen=dispute)
        yield Scene(dispute.created_at, 2, dispute.id, play)
    for transfer in list_transfers(gateway, since=since):
        yield from _paid(transfer, installation)
    for refund in list_refunds(gateway, since=since):
        play = partial(restore_objects.restore_refund, seen=refund)
        yield Scene(refund.created_at, 5, refund.id, play)


def _paid(transfer: TransferFact, installation: str) -> Iterator[Scene]:
    """Play a transfer, and before it the document it pays, when that was issued."""
    metadata = transfer.metadata
    if metadata.get("octo_installation") != installation:
        return
    number = metadata["octo_document"]
    play = partial(
        restore_objects.restore_document, number=number, campaign_id=transfer.transfer_group or ""
    )
    yield Scene(instant(int(metadata["octo_issued_at"])), 3, number, play)
    play = partial(restore_objects.restore_transfer, seen=transfer)
    yield Scene(transfer.created_at, 4, transfer.id, play)
