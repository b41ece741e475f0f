"""A card is saved with the pledge and charged nothing: through the pages, and what ends it."""

from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, Collection, Outcome, Pledge, PledgeStatus, Reward
from octo.database import db
from octo.scheduler import jobs
from payments.ledger.models import LedgerTransaction
from payments.models import CardStatus
from stripe_sandbox.client import SandboxClient
from tests.campaigns.pledges.test_place import GUEST, agree, fill, the_pledge
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, parse

DECLINED = "4000000000000002"
ASKS_ONCE = "4000002500003155"

pytestmark = pytest.mark.dates


def again(campaign: Campaign) -> Campaign:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def page_of(make: Make, pledge: Pledge) -> str:
    """Return the id of the page on which a card is saved."""
    session_id = make.card(pledge).stripe_checkout_session_id
    assert session_id is not None
    return session_id


def receipt_of(make: Make, sandbox: SandboxClient, pledge: Pledge) -> str:
    """Return the path that Stripe leads back to."""
    session = sandbox.get(f"/v1/checkout/sessions/{page_of(make, pledge)}")
    return urlsplit(str(session["success_url"])).path


def is_chargeable(make: Make, sandbox: SandboxClient, pledge: Pledge) -> bool:
    """Tell whether Stripe could still charge the card of a pledge."""
    card = sandbox.get(f"/v1/payment_methods/{make.card(pledge).stripe_payment_method_id}")
    return card["customer"] is not None


def nothing_was_charged(sandbox: SandboxClient) -> bool:
    is_unbooked = db.session.scalar(sa.select(sa.func.count(LedgerTransaction.id))) == 0
    return sandbox.every("/v1/charges") == [] and is_unbooked


def test_an_owner_chooses_when_cards_are_charged(client: Visitor, make: Make) -> None:
    owner = make.user("Owner")
    client.sign_in(owner.email, PASSWORD)
    client.submit("/account/organisations/new", {"name": "Les Plomarc’h"})
    client.submit(
        "/owner/campaigns/new",
        {"title": "Un canot", "goal": "800", "duration_days": "40", "category": "craft"},
        form="/owner/campaigns/new",
    )
    campaign = db.session.scalars(sa.select(Campaign)).one()
    form = f"/owner/campaigns/{campaign.public_id}/terms"
    assert campaign.collection is Collection.ON_PLEDGE

    refused = client.submit(form, {"collection": "never"}, form="/terms", follow=False)
    chosen = client.submit(form, {"collection": "on_success"}, form="/terms", follow=False)

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert chosen.status_code == HTTPStatus.SEE_OTHER
    assert again(campaign).collection is Collection.ON_SUCCESS
    assert parse(client.get(form)).xpath("//input[@name='collection'][@checked]/@value") == [
        "on_success"
    ]


def test_a_guest_saves_a_card_is_told_that_nothing_is_charged_and_cancels(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, collection=Collection.ON_SUCCESS)
    shown = client.get(f"/campaigns/{campaign.slug}").text
    assert "Les cartes sont seulement enregistrées" in shown

    agree(client, campaign, fill(client, campaign, {"amount": "60", "tip": "2"}))
    receipt = receipt_of(make, sandbox, the_pledge())
    assert "Votre carte n’est pas encore enregistrée" in client.get(receipt).text
    sandbox.pay(page_of(make, the_pledge()))
    read = client.get(receipt).text

    assert the_pledge().status is PledgeStatus.ACTIVE
    assert "rien n’est débité" in read
    assert "Visa 4242" in read
    assert again(campaign).pledged_amount == 60_00
    assert nothing_was_charged(sandbox)
    (mail,) = Mailbox(app).to(GUEST)
    assert mail.template == "card_saved"
    assert "Rien n’est encore débité" in Mailbox(app).text_of(mail)

    client.submit(receipt, form="/cancel")
    make.work()

    assert the_pledge().status is PledgeStatus.CANCELED
    assert again(campaign).pledged_amount == 0
    assert make.card(the_pledge()).status is CardStatus.FORGOTTEN
    assert not is_chargeable(make, sandbox, the_pledge())
    assert "Rien n’a été débité" in Mailbox(app).text_of(Mailbox(app).to(GUEST)[-1])
    assert nothing_was_charged(sandbox)


def test_a_card_that_is_refused_or_not_confirmed_is_not_saved_and_another_may_be(
    make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(collection=Collection.ON_SUCCESS)
    pledge = make.pending_pledge(campaign, 20_00)
    page = make.open_checkout(pledge)

    refusals = [
        sandbox.pay(page, card=DECLINED)["error"]["code"],
        sandbox.pay(page, card=ASKS_ONCE, three_d_secure="fail")["error"]["code"],
    ]
    make.refresh(pledge)
    assert refusals == ["card_declined", "setup_intent_authentication_failure"]
    assert again(campaign).pledged_amount == 0

    sandbox.pay(page, card=ASKS_ONCE)
    make.refresh(pledge)

    assert again(campaign).pledged_amount == 20_00


def test_a_page_left_open_gives_its_reward_back_once_stripe_says_so(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(stock=1, collection=Collection.ON_SUCCESS)
    reward = db.session.scalars(sa.select(Reward)).one()
    left = make.pending_pledge(campaign, 10_00, reward=reward)
    make.open_checkout(left)

    moment.advance(hours=1)
    make.work()

    assert db.session.get_one(Pledge, left.id).status is PledgeStatus.EXPIRED
    assert db.session.get_one(Reward, reward.id).taken_count == 0
    assert make.card(left).status is CardStatus.EXPIRED


def test_a_page_completed_while_its_pledge_is_canceled_keeps_no_card(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(stock=1, collection=Collection.ON_SUCCESS)
    reward = db.session.scalars(sa.select(Reward)).one()
    agree(client, campaign, fill(client, campaign, {"reward": reward.public_id, "amount": "10"}))

    client.submit(receipt_of(make, sandbox, the_pledge()), form="/cancel")
    sandbox.pay(page_of(make, the_pledge()))
    make.work()

    assert the_pledge().status is PledgeStatus.CANCELED
    assert db.session.get_one(Reward, reward.id).taken_count == 0
    assert again(campaign).pledged_amount == 0
    assert not is_chargeable(make, sandbox, the_pledge())
    assert [mail.template for mail in Mailbox(app).to(GUEST)] == ["pledge_released"]


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_card_counts_when_it_is_recorded_before_closing_begins(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, is_in_time: bool
) -> None:
    campaign = make.live_campaign(goal=20_00, days=10, collection=Collection.ON_SUCCESS)
    moment.advance(days=9, hours=23, seconds=3000)
    pledge = make.pending_pledge(campaign, 20_00)
    page = make.open_checkout(pledge)
    if is_in_time:
        sandbox.pay(page)
    moment.advance(seconds=1200)
    if not is_in_time:
        for job in ("compare_books", "close_campaigns"):  # the page is not expired yet
            jobs(app)[job].run()
        sandbox.pay(page)

    make.work()

    pledge = db.session.get_one(Pledge, pledge.id)
    assert again(campaign).outcome is (Outcome.SUCCEEDED if is_in_time else Outcome.FAILED)
    assert pledge.status is (PledgeStatus.COLLECTED if is_in_time else PledgeStatus.EXPIRED)
    assert len(sandbox.every("/v1/charges")) == int(is_in_time)
    assert not is_chargeable(make, sandbox, pledge)
