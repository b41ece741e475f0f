"""The end of a story: faults cease, everybody comes back, time passes, and all must add up."""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, TypeVar

import sqlalchemy as sa

from octo.database import reading
from payments.accounting.check import check_ledger
from payments.gateway.runtime import payments_runtime
from payments.models import OPEN_ATTEMPTS, Attempt, Freeze, InboxEvent, InboxStatus
from payments.reconciliation.compare import reconcile
from tests.machine.conservation import STRIPE_BALANCE, Json, Ours, Theirs, find_breaches
from tests.machine.story import Story

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MOST_ROUNDS: Final = 12
POLL: Final = "poll_events"

T = TypeVar("T")


class News(StrEnum):
    """By which ways the site hears of Stripe while a story ends."""

    BOTH = "both"
    NO_WEBHOOKS = "no_webhooks"
    NO_POLLING = "no_polling"


def end(story: Story, news: News) -> None:
    """Let everything come to its end; without polling, what was lost is delivered after all."""
    world = story.world
    world.weather.strikes.clear()
    while world.frozen:
        world.thaw(0)
    world.sandbox.top_up(5_000_00)
    for campaign in story.campaigns:
        story.restore(campaign)
    if news is News.NO_POLLING:
        world.post.collect()
        world.post.waiting += world.post.lost
    settle_down(story, news)
    world.let_pass(25 * HOUR)
    for campaign in story.campaigns:
        story.reach_deadline(campaign, offset=1)
    settle_down(story, news)
    for wait in (10 * DAY, 30 * DAY):
        world.let_pass(wait)
        settle_down(story, news)
        story.decide_disputes("lose")
        settle_down(story, news)
        story.look_after_money(by_bank=True, is_debt_due=False)
        settle_down(story, news)


def settle_down(story: Story, news: News) -> None:
    """Have the workers do all that is due, in turn, with pauses for what backs off."""
    world = story.world
    for round_ in range(MOST_ROUNDS):
        node = world.nodes[round_ % 2]
        done = sum(
            world.job(node, name)
            for name in node.jobs
            if name != POLL or news is not News.NO_POLLING
        )
        if news is not News.NO_WEBHOOKS:
            world.post.collect()
            done += len(world.post.waiting)
            world.post.deliver(world.post.waiting)
            world.post.waiting.clear()
        if not done:
            if not _is_anything_open(world.books):
                return
            world.let_pass(MINUTE)


def _is_anything_open(books: sa.Connection) -> bool:
    is_left = sa.or_(
        sa.exists().where(Attempt.status.in_(OPEN_ATTEMPTS)),
        sa.exists().where(InboxEvent.status == InboxStatus.RECEIVED),
    )
    return bool(books.scalar(sa.select(is_left)))


def find_leftovers(story: Story) -> list[str]:
    """Return everything that is not as it must be when nothing is left to do."""
    world = story.world
    ours, theirs = Ours.read(world.books), Theirs.read(world.sandbox)
    found = [*find_breaches(ours, theirs), *world.lookout.breaches]
    for rule in (_refunded_once, _paid_once, _nothing_open, _balances):
        found += rule(story, ours, theirs)
    with world.nodes[0].app.app_context():
        with reading() as session:
            found += [str(fault) for fault in check_ledger(session).faults]
        runtime = payments_runtime()
        comparison = reconcile(
            gateway=runtime.gateway, settings=runtime.settings, clock=runtime.clock
        )
        found += [str(difference) for difference in comparison.differences]
    return found


def _refunded_once(story: Story, ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Give back once whatever a campaign that failed was charged, and late money.

    A bank that took a charge back gave it to its backer; so we count it, and Stripe must agree.
    """
    back = _sums((one["charge"], one["amount"]) for one in theirs.refunds if _has_arrived(one))
    taken_back = _sums(
        (dispute["charge"], -movement["amount"])
        for dispute in story.world.sandbox.every("/v1/disputes")
        for movement in dispute["balance_transactions"]
    )
    resolved = _sums(((one.payment_id, one.resolution), one.amount) for one in ours.refunds)
    outcomes = {one.id: one.outcome for one in ours.campaigns}
    known = {one.stripe_charge_id: one for one in ours.payments}
    for charge in theirs.charges:
        payment = known.get(charge["id"])
        if not charge["paid"]:
            continue
        if payment is None:
            yield f"charge {charge['id']} is not ours"
            continue
        is_due = payment.is_late or outcomes[payment.campaign_id] != "succeeded"
        with_banks = payment.disputed_amount + resolved[payment.id, "disputed"]
        gone = back[charge["id"]] + with_banks + resolved[payment.id, "paid_by_bank"]
        if is_due and charge["amount"] != gone:
            yield f"{gone} of {charge['amount']} of {charge['id']} went back"
        if with_banks > taken_back[charge["id"]]:
            yield f"banks took {taken_back[charge['id']]} of {charge['id']} back, not {with_banks}"


def _has_arrived(refund: Json) -> bool:
    return bool(refund["status"] == "succeeded")


def _sums(amounts: Iterable[tuple[T, int]]) -> Counter[T]:
    found: Counter[T] = Counter()
    for of, amount in amounts:
        found[of] += amount
    return found


def _paid_once(story: Story, ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Give the owner what the documents come to, less what is owed or was let off."""
    numbers = {one.number: one.campaign_id for one in ours.documents}
    due: Counter[int] = Counter()
    for document in ours.settlements:
        sign = -1 if document.kind == "credit_note" else 1
        due[document.campaign_id] += sign * document.net_amount
    has: Counter[int] = Counter()
    for transfer in theirs.transfers:
        campaign_id = numbers[transfer["metadata"]["octo_document"]]
        has[campaign_id] += transfer["amount"] - transfer["amount_reversed"]
    for debt in ours.debts:
        has[debt.campaign_id] -= debt.left_amount + debt.written_off_amount
    for campaign_id in due.keys() | has.keys():
        if due[campaign_id] != has[campaign_id]:
            yield f"the owner of {campaign_id} is due {due[campaign_id]}, has {has[campaign_id]}"


def _nothing_open(story: Story, ours: Ours, theirs: Theirs) -> Iterator[str]:
    for one in ours.attempts:
        if one.status not in {"done", "failed"}:
            yield f"attempt {one.kind} of {one.subject} is still {one.status}"
    for one in ours.campaigns:
        if one.status != "settled":
            yield f"campaign {one.id} is still {one.status}"
    frozen = story.world.books.execute(
        sa.select(Freeze.campaign_id, Freeze.reason).where(Freeze.lifted_at.is_(None))
    )
    for campaign_id, reason in frozen:
        yield f"campaign {campaign_id} is frozen: {reason}"
    inbox = story.world.books.execute(
        sa.select(InboxEvent.type, InboxEvent.status, InboxEvent.error).where(
            InboxEvent.status.in_((InboxStatus.RECEIVED, InboxStatus.PARKED))
        )
    )
    for kind, status, error in inbox:
        yield f"event {kind} is still {status}: {error}"


def _balances(story: Story, ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Hold in the ledger what Stripe holds."""
    seen = story.world.sandbox.get("/v1/balance")
    at_stripe = sum(part["amount"] for side in ("available", "pending") for part in seen[side])
    here = sum(
        one.amount * ((one.debit == STRIPE_BALANCE) - (one.credit == STRIPE_BALANCE))
        for one in ours.entries
    )
    if here != at_stripe:
        yield f"the ledger has {here} at Stripe, Stripe {at_stripe}"
