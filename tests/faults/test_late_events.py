"""F11: events come days late or never, or the list of events cannot be read: the end is the same.

Every other test of money hears by polling alone, since no webhook is sent to a site that is not
served. Here the same stories are told again to a site that polls in vain and has webhooks alone.
"""

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import pytest
import sqlalchemy as sa
import stripe
from flask import Flask

from campaigns.models import PledgeStatus
from octo import worker
from octo.database import db, reading
from octo.scheduler import jobs
from octo.worker import Due
from payments.models import InboxEvent, InboxStatus, PollCursor
from stripe_sandbox.client import SandboxClient
from tests.faults.altering import Reply, altering_stripe
from tests.faults.judging import check_conserved
from tests.machine.post import Post
from tests.make import Make
from tests.moment import Moment
from tests.payments.charges import test_saved_cards
from tests.payments.disputes import test_before_the_transfer
from tests.payments.owners import test_debts
from tests.payments.refunds import test_external, test_failed
from tests.payments.settlement import test_collect
from tests.stories import test_money
from tests.visitor import refresh

FOUND_WITHIN: Final = timedelta(minutes=15)
Story = Callable[..., None]
STORIES: Final[tuple[Story, ...]] = (
    test_money.test_a_missed_goal_gives_every_cent_back_tips_included,
    test_collect.test_a_reached_goal_charges_each_saved_card_once_and_pays_the_owner,
    test_failed.test_a_second_try_is_a_refund_of_its_own_and_settles,
    test_debts.test_a_win_restores_what_was_recovered_and_forgets_what_was_owed,
)
MORE_STORIES: Final[tuple[Story, ...]] = (
    test_money.test_a_reached_goal_pays_the_owner_the_net_once_it_is_available,
    test_money.test_money_that_comes_after_the_deadline_goes_back,
    test_money.test_an_abandoned_checkout_gives_its_stock_back,
    test_money.test_an_owner_who_is_not_ready_waits_with_the_money_held,
    test_saved_cards.test_a_page_left_open_gives_its_reward_back_once_stripe_says_so,
    test_collect.test_declined_cards_are_repaired_from_the_mailed_link_and_nobody_pays_twice,
    test_collect.test_what_a_bank_takes_back_meanwhile_does_not_count,
    test_before_the_transfer.test_a_dispute_won_after_the_goal_was_missed_is_refunded_then,
    test_before_the_transfer.test_money_withdrawn_between_verdict_and_transfer_leaves_the_net,
    test_external.test_a_refund_by_hand_after_the_transfer_is_credited_and_owed,
)

pytestmark = pytest.mark.fault("F11")


class ToldByPost(Make):
    """A builder whose worker hears of Stripe by its webhooks alone."""

    def __init__(self, app: Flask, moment: Moment) -> None:
        super().__init__(app, moment)
        self._post = Post(moment.sandbox, lambda: app)

    def work(self) -> Due:
        """Bring the site every event and let the worker do what is due, until there is no news."""
        while True:
            self._post.collect()
            news, self._post.waiting = self._post.waiting, []
            self._post.deliver(news)
            due = super().work()
            due.waiting = [one for one in due.waiting if not one.startswith("the list of events")]
            self._post.collect()
            if not self._post.waiting and is_read():
                return due


def is_read() -> bool:
    """Tell whether every event has been looked at."""
    received = sa.select(InboxEvent.id).where(InboxEvent.status == InboxStatus.RECEIVED)
    with reading() as session:
        return session.scalar(received.limit(1)) is None


@pytest.fixture
def told_by_post(
    environ: dict[str, str], sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Have the site's Stripe refuse to list its events, for ever."""
    for delay in ("INITIAL_DELAY", "MAX_DELAY"):
        monkeypatch.setattr(stripe.HTTPClient, delay, 0.01)  # the SDK sleeps between its tries
    with altering_stripe(sandbox.url) as altering:

        def refuse(reply: Reply) -> Reply:
            if reply.method == "GET" and reply.path.split("?")[0] == "/v1/events":
                reply.status, reply.body = HTTPStatus.SERVICE_UNAVAILABLE, b"{}"
            return reply

        altering.alter = refuse
        environ["STRIPE_API_BASE"] = altering.url
        yield


@pytest.mark.slow
@pytest.mark.parametrize(
    "story",
    [*STORIES, *(pytest.param(one, marks=pytest.mark.chaos) for one in MORE_STORIES)],
    ids=lambda story: story.__name__.removeprefix("test_"),
)
def test_the_same_end_with_webhooks_alone(
    told_by_post: None, app: Flask, story: Story, request: pytest.FixtureRequest
) -> None:
    make = ToldByPost(app, request.getfixturevalue("moment"))
    needs = inspect.signature(story).parameters
    given: dict[str, Any] = {
        name: request.getfixturevalue(name) for name in needs if name != "make"
    }

    story(make=make, **given)

    refresh()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(InboxEvent))
    assert db.session.scalars(sa.select(PollCursor.seen_until)).all() == []


def test_what_no_webhook_tells_is_polled_and_webhooks_days_late_change_nothing(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    longest = jobs(app)["poll_events"].every_seconds + worker.LONGEST_PAUSE_SECONDS
    assert timedelta(seconds=longest) < FOUND_WITHIN
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=2)
    pledge = make.pending_pledge(campaign, 15_00)
    sandbox.pay(make.open_checkout(pledge))  # and the backer never comes back

    make.work()
    refresh()
    assert pledge.status is PledgeStatus.ACTIVE
    moment.advance(days=3)
    make.work()
    check_conserved(sandbox)
    kept = db.session.scalar(sa.select(sa.func.count()).select_from(InboxEvent))

    late = Post(sandbox, lambda: app)
    late.collect()
    late.deliver(late.waiting)
    due = make.work()

    assert due.done == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(InboxEvent)) == kept
    check_conserved(sandbox)
