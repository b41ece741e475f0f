"""No verdict falls while a page is open; it is asked to close once, by whoever comes first."""

import threading
import time
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.deadline.transitions import begin_closing
from campaigns.models import Campaign
from octo.database import db, lock, transaction
from payments.checkout.sessions import expire_checkout
from payments.context import Context
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, Freeze, Payment
from tests.make import Make
from tests.moment import Moment
from tests.obligations import tick

PATIENCE_SECONDS: Final = 30

pytestmark = pytest.mark.both_engines


def test_two_workers_at_a_deadline_ask_for_the_same_page_to_be_closed_once(
    app: Flask, make: Make, moment: Moment
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.open_checkout(make.pending_pledge(campaign, 15_00))
    campaign_id = campaign.id
    moment.advance(days=21)
    runtime = payments_runtime()

    def close() -> None:
        with app.app_context():
            tick(make, "close_campaigns")
            db.session.remove()

    with transaction() as session:
        begin_closing(session, lock(session, Campaign, id=campaign_id), at=moment.now())
    with transaction() as session:
        lock(session, Campaign, id=campaign_id)
        (payment,) = session.scalars(sa.select(Payment))
        context = Context.read(runtime.settings, runtime.clock)
        expire_checkout(session, payment, context=context)
        session.flush()
        other = threading.Thread(target=close)
        other.start()
        time.sleep(1)  # long enough to have looked, and to wait
    other.join(PATIENCE_SECONDS)

    db.session.rollback()
    asked = sa.select(Attempt).where(Attempt.kind == AttemptKind.CHECKOUT_EXPIRE)
    assert len(db.session.scalars(asked).all()) == 1
    assert db.session.scalars(sa.select(Freeze)).all() == []
