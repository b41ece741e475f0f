"""F19: nobody waits in a circle: a pledge is canceled or sent again while it is taken in."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, Pledge, PledgeStatus
from campaigns.pledges.cancel import cancel_pledge
from campaigns.pledges.place import PledgeWish, place_pledge
from campaigns.ports import bound_payments
from campaigns.settings import Rules
from octo.database import db, lock, transaction
from octo.runtime import runtime
from payments.gateway.client import StripeAwayError
from payments.models import Payment
from payments.models.locks import lock_payment
from stripe_sandbox.client import SandboxClient
from tests.locking import OutOfOrderError, Watch
from tests.make import Make
from tests.visitor import refresh

PATIENCE_SECONDS = 20
HEAD_START_SECONDS = 0.3

pytestmark = [pytest.mark.fault("F19"), pytest.mark.both_engines]


def test_canceling_waits_for_who_holds_the_payment_and_then_goes_on(app: Flask, make: Make) -> None:
    campaign = make.live_campaign()
    pledge = make.pledge(campaign, 50_00)
    other = make.pledge(campaign, 20_00)
    holds_payment, may_go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def take_in() -> None:
        """Hold a payment, as a refund's handler does, and then want its campaign."""
        with app.app_context():
            try:
                with transaction() as session:
                    payment = lock_payment(session, pledge_id=pledge.id)
                    holds_payment.set()
                    may_go_on.wait(PATIENCE_SECONDS)
                    lock(session, Campaign, id=payment.campaign_id)
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(error)
            finally:
                holds_payment.set()
                db.session.remove()

    def cancel(pledge_id: str) -> None:
        with app.app_context():
            found = runtime()
            try:
                cancel_pledge(
                    pledge_id,
                    clock=found.clock,
                    payments=bound_payments(),
                    rules=found.settings.of(Rules),
                )
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(error)
            finally:
                db.session.remove()

    db.session.rollback()
    taking = threading.Thread(target=take_in)
    taking.start()
    assert holds_payment.wait(PATIENCE_SECONDS)
    ids = (pledge.public_id, other.public_id)
    canceling = [threading.Thread(target=cancel, args=(one,)) for one in ids]
    for thread in canceling:
        thread.start()
    may_go_on.set()
    for thread in (taking, *canceling):
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

    refresh()
    assert failures == []
    states = set(db.session.scalars(sa.select(Pledge.status)))
    assert states == {PledgeStatus.CANCELED}


def test_a_backer_who_comes_back_to_pay_waits_for_no_attempt(
    make: Make, sandbox: SandboxClient
) -> None:
    pledge = make.pending_pledge(make.live_campaign(), 15_00)
    sandbox.fault(method="POST", path="/v1/checkout/sessions", action="drop_after")
    with pytest.raises(StripeAwayError):
        make.open_checkout(pledge)

    sandbox.pay(make.open_checkout(pledge))  # the watch of every test sees what it locks

    make.work()
    refresh()
    assert pledge.status is PledgeStatus.ACTIVE
    assert len(sandbox.every("/v1/checkout/sessions")) == 1


def test_a_form_sent_again_waits_for_its_pledge_and_holds_nothing_meanwhile(
    app: Flask, make: Make
) -> None:
    campaign = make.live_campaign()
    campaign_id, found = campaign.public_id, runtime()
    wish = PledgeWish(amount=15_00, email="lea@example.org", locale="fr", request_key="once")

    def place() -> str:
        with app.app_context():
            placed = place_pledge(
                campaign_id, wish, clock=found.clock, rules=found.settings.of(Rules)
            )
            db.session.remove()
            return str(placed.pledge.public_id)

    with ThreadPoolExecutor(1) as hands:
        pledge_id = hands.submit(place).result()
        with transaction() as session:
            lock(session, Pledge, public_id=pledge_id)
            again = hands.submit(place)
            time.sleep(HEAD_START_SECONDS)
            lock(session, Campaign, public_id=campaign_id)

        assert again.result(PATIENCE_SECONDS) == pledge_id


def test_a_lock_taken_out_of_order_fails_its_test(make: Make, lock_watch: Watch) -> None:
    payment = make.payment(make.pledge(make.live_campaign(), 50_00))
    db.session.rollback()

    with transaction() as session:
        lock(session, Campaign, id=payment.campaign_id)
        with pytest.raises(OutOfOrderError, match="payment is locked after campaign"):
            lock(session, Payment, id=payment.id)

    assert [type(one) for one in lock_watch.told] == [OutOfOrderError]
    lock_watch.told.clear()
