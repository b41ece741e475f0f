"""Saved cards with polling off: webhooks alone tell, doubled and in the wrong order."""

from flask import Flask
from flask.testing import FlaskClient

from campaigns.models import Campaign, CampaignStatus, Collection
from octo.database import db
from octo.scheduler import jobs
from payments.accounting.check import check_ledger
from payments.models import PaymentStatus
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.payments.webhooks.test_inbox import deliver
from tests.visitor import refresh

DECLINED_LATER = "4000000000000341"


def deliver_all(app: Flask, client: FlaskClient, sandbox: SandboxClient) -> None:
    """Deliver every event so far twice, the newest first, and let the inbox handle them."""
    for event in sandbox.every("/v1/events"):
        assert [deliver(client, event) for _ in range(2)] == [200, 200]
    work_without_polling(app)


def work_without_polling(app: Flask) -> None:
    """Let the worker do what is due, but for reading Stripe's list of events."""
    for _ in range(6):
        for name, job in jobs(app).items():
            if name != "poll_events":
                job.run()
    refresh()


def test_webhooks_alone_save_charge_and_decline_in_any_order(
    app: Flask, client: FlaskClient, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=50_00, days=20, collection=Collection.ON_SUCCESS)
    paid, declined = (make.pending_pledge(campaign, 60_00, tip=n) for n in (2_00, 0))
    sandbox.pay(make.open_checkout(paid))
    sandbox.pay(make.open_checkout(declined), card=DECLINED_LATER)

    deliver_all(app, client, sandbox)

    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 120_00
    moment.advance(days=20, seconds=1)
    sandbox.fault(path="/v1/payment_intents/*/confirm", action="drop_after", times=2)
    work_without_polling(app)
    deliver_all(app, client, sandbox)

    assert make.payment(paid).status is PaymentStatus.SUCCEEDED
    assert make.payment(declined).failure_code == "generic_decline"
    told = [[mail.template for mail in Mailbox(app).to(one.email)] for one in (paid, declined)]
    assert told == [["card_saved", "card_charged"], ["card_saved", "payment_problem"]]
    assert [one["amount"] for one in sandbox.every("/v1/charges") if one["paid"]] == [62_00]
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.COLLECTING
    assert check_ledger(db.session()).faults == ()
