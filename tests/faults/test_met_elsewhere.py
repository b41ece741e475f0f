"""What went wrong on other platforms that collect money, each told as it happened there."""

import threading
from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Outcome
from octo.database import db
from octo.scheduler import jobs
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, Payment, Refund, RefundStatus
from payments.refunds.requests import refund_by_treasurer
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish
from tests.faults.judging import check_conserved, ended, keys_of
from tests.make import Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE, documented_net
from tests.visitor import refresh

WORKERS: Final = 4
PATIENCE_SECONDS: Final = 60


def refund(payment: Payment, amount: int, *, action_key: str) -> Refund:
    runtime = payments_runtime()
    return refund_by_treasurer(
        payment.public_id,
        amount=amount,
        action_key=action_key,
        actor="usr_test",
        settings=runtime.settings,
        clock=runtime.clock,
    )


def statuses(refunds: list[Refund]) -> list[RefundStatus]:
    refresh()
    return [db.session.get_one(Refund, one.id).status for one in refunds]


def test_two_equal_refunds_are_two_and_one_asked_for_twice_is_one(
    make: Make, sandbox: SandboxClient
) -> None:
    payment = make.payment(make.pledge(make.live_campaign(), 50_00, card=AVAILABLE_AT_ONCE))

    asked = [refund(payment, 5_00, action_key=key) for key in ("first", "second", "first")]
    make.work()

    assert asked[0].id == asked[2].id != asked[1].id
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [5_00, 5_00]
    assert len(set(keys_of(sandbox, "/v1/refunds"))) == 2
    check_conserved(sandbox)


def test_news_of_the_first_of_two_refunds_is_taken_in_after_the_second(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    payment = make.payment(make.pledge(make.live_campaign(), 50_00, card=AVAILABLE_AT_ONCE))
    both = []
    for key in ("first", "second"):
        both.append(refund(payment, 5_00, action_key=key))
        make.work()
    assert statuses(both) == [RefundStatus.SUCCEEDED] * 2

    sandbox.post(f"/_sandbox/refunds/{both[0].stripe_refund_id}/fail")
    moment.advance(hours=1)
    make.work()

    assert statuses(both) == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]
    check_conserved(sandbox)


@pytest.mark.both_engines
def test_workers_that_decide_a_transfer_at_once_send_one_of_one_amount(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    payments = [make.payment(make.pledge(campaign, 40_00)) for _ in range(2)]
    moment.advance(days=20)
    make.work()
    moment.advance(days=20)
    for name in ("compare_books", "poll_events", "handle_inbox", "compare_books"):
        jobs(make.app)[name].run()
    refresh()
    together = threading.Barrier(WORKERS + 1)

    def decide() -> None:
        with make.app.app_context():
            together.wait(PATIENCE_SECONDS)
            jobs(make.app)["settle_campaigns"].run()
            db.session.remove()

    threads = [threading.Thread(target=decide) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    together.wait(PATIENCE_SECONDS)
    refund(payments[0], 10_00, action_key="meanwhile")
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    finish(make)

    planned = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.TRANSFER_CREATE)
    assert db.session.scalar(planned) == len(set(keys_of(sandbox, "/v1/transfers"))) == 1
    ended(campaign, Outcome.SUCCEEDED)
    (transfer,) = sandbox.every("/v1/transfers")
    assert transfer["amount"] >= documented_net(campaign)
    check_conserved(sandbox)
