"""Polling: what no webhook told is found in Stripe's list of events, page after page, once."""

import sqlalchemy as sa
from flask import Flask

from octo.database import db, transaction
from octo.scheduler import jobs
from payments.gateway.runtime import payments_runtime
from payments.models import InboxEvent
from payments.webhooks.inbox import BATCH, store_events
from stripe_sandbox.client import SandboxClient
from tests.crowd import charge_cards
from tests.moment import Moment

CHARGES = 70


def pages(sandbox: SandboxClient) -> int:
    return sum(one["path"] == "/v1/events" for one in sandbox.requests())


def forget_one_event() -> None:
    """Have the inbox be without its first event, as if Stripe had listed it late."""
    with transaction() as session:
        first = sa.select(sa.func.min(InboxEvent.id)).scalar_subquery()
        session.execute(sa.delete(InboxEvent).where(InboxEvent.id == first))


def test_every_page_is_read_and_what_is_known_is_not_kept_again(
    app: Flask, sandbox: SandboxClient
) -> None:
    charge_cards(sandbox, CHARGES)
    poll = jobs(app)["poll_events"]

    first, again = poll.run().done, poll.run().done

    assert (first, again) == (len(sandbox.every("/v1/events")), 0)
    assert first > 2 * CHARGES
    assert db.session.scalar(sa.select(sa.func.count()).select_from(InboxEvent)) == first


def test_a_turn_takes_in_batch_after_batch(app: Flask) -> None:
    strangers = [
        {"id": f"evt_{number}", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
        for number in range(2 * BATCH + 1)
    ]
    for begin in range(0, len(strangers), BATCH):
        store_events(strangers[begin : begin + BATCH], clock=payments_runtime().clock)

    jobs(app)["compare_books"].run()
    take_in = jobs(app)["handle_inbox"]

    assert take_in.run().done == len(strangers)
    assert take_in.run().done == 0


def test_what_is_listed_late_is_found_by_the_look_in_ten_minutes_that_reaches_far_back(
    app: Flask, moment: Moment, sandbox: SandboxClient
) -> None:
    charge_cards(sandbox, CHARGES)
    poll = jobs(app)["poll_events"]
    poll.run()
    every = pages(sandbox)
    moment.advance(seconds=180)
    sandbox.top_up(10_00)
    poll.run()
    forget_one_event()

    read = pages(sandbox)
    assert poll.run().done == 0
    assert pages(sandbox) - read == 1
    moment.advance(seconds=480)
    read = pages(sandbox)
    assert poll.run().done == 1
    assert pages(sandbox) - read == every
