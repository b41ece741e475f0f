"""Pledging through the pages and the API: sums first, then the checkout, then the receipt."""

import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, Pledge, PledgeStatus, Reward
from campaigns.pledges.place import PledgeWish, SoldOutError, place_pledge
from campaigns.settings import Rules
from octo.clock import DatabaseClock
from octo.database import db, transaction
from octo.ids import new_public_id
from payments.models import Payment
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, parse

GUEST = "riwal@example.org"

pytestmark = pytest.mark.dates


def form_of(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.slug}/pledge"


def fill(visitor: Visitor, campaign: Campaign, fields: dict[str, str]) -> dict[str, str]:
    """Send the first form and return what the page of sums would send."""
    answer = visitor.submit(
        form_of(campaign),
        {"amount": "15", "email": GUEST, "visibility": "public"} | fields,
        form="/pledge",
    )
    assert answer.status_code == HTTPStatus.OK, answer.text
    [form] = [f for f in parse(answer).forms if (f.get("action") or "").endswith("/pledge")]
    return dict(form.form_values())


def agree(visitor: Visitor, campaign: Campaign, entries: dict[str, str]) -> str:
    """Press the button that leads to the checkout and return its address."""
    answer = visitor.post(form_of(campaign), data=entries | {"agreed": "1"})
    assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return answer.location


def the_pledge() -> Pledge:
    db.session.expire_all()
    return db.session.scalars(sa.select(Pledge)).one()


def session_of(pledge: Pledge) -> str:
    payment = db.session.scalars(sa.select(Payment).filter_by(pledge_id=pledge.id)).one()
    assert payment.stripe_checkout_session_id is not None
    return payment.stripe_checkout_session_id


def receipt_of(sandbox: SandboxClient, pledge: Pledge) -> str:
    """Return the path that Stripe leads back to."""
    session = sandbox.get(f"/v1/checkout/sessions/{session_of(pledge)}")
    return urlsplit(str(session["success_url"])).path


def test_a_guest_pledges_pays_and_reads_the_receipt(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00)
    shown = client.submit(
        form_of(campaign), {"amount": "12,50", "tip": "2", "email": GUEST}, form="/pledge"
    )
    assert "14,50" in shown.text
    assert db.session.scalar(sa.select(sa.func.count(Pledge.id))) == 0

    checkout = agree(client, campaign, fill(client, campaign, {"amount": "12,50", "tip": "2"}))
    assert checkout.startswith(sandbox.url)
    pledge = the_pledge()
    lines = sandbox.every(f"/v1/checkout/sessions/{session_of(pledge)}/line_items")
    sandbox.pay(session_of(pledge))
    receipt = client.get(receipt_of(sandbox, pledge))

    assert [line["description"] for line in lines] == [campaign.title, "Pourboire pour Octo"]
    assert receipt.status_code == HTTPStatus.OK
    assert receipt.headers["Referrer-Policy"] == "no-referrer"
    assert receipt.headers["Cache-Control"] == "no-store"
    paid = the_pledge()
    assert paid.status is PledgeStatus.ACTIVE
    assert (paid.amount, paid.tip_amount) == (12_50, 2_00)
    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 12_50
    assert "pledge_confirmed" in [mail.template for mail in Mailbox(app).to(GUEST)]


@pytest.mark.parametrize("amount", ["1 000", "12.50 €", "1\u202f000,5", "999999,99"])
def test_amounts_as_people_write_them_are_taken(client: Visitor, make: Make, amount: str) -> None:
    campaign = make.live_campaign()

    assert fill(client, campaign, {"amount": amount})["amount"] == amount


@pytest.mark.parametrize(
    "amount",
    ["0", "-5", "NaN", "1e3", "9223372036854775808", "１２", "12,505", "12 USD", "", "0,99"],
)
def test_a_bad_amount_is_refused_beside_its_field_and_never_reaches_stripe(
    client: Visitor, make: Make, sandbox: SandboxClient, amount: str
) -> None:
    campaign = make.live_campaign()

    refused = client.submit(
        form_of(campaign), {"amount": amount, "email": GUEST, "message": "Kalon"}, form="/pledge"
    )

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = parse(refused)
    assert page.xpath("//p[@id='amount-error']")
    assert page.xpath("//input[@id='amount']/@value") == [amount]
    assert "Kalon" in page.xpath("//textarea[@id='message']")[0].text
    assert sandbox.every("/v1/checkout/sessions") == []


def test_the_same_form_sent_twice_pledges_once(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    entries = fill(client, campaign, {})

    assert agree(client, campaign, entries) == agree(client, campaign, entries)

    assert the_pledge().status is PledgeStatus.PENDING
    assert len(sandbox.every("/v1/checkout/sessions")) == 1


def test_a_reward_asks_for_its_minimum_its_address_and_its_shipping(
    client: Visitor, make: Make
) -> None:
    campaign = make.live_campaign()
    with transaction() as session:
        session.add(
            Reward(
                public_id=new_public_id("rwd"),
                campaign_id=campaign.id,
                position=0,
                title="Une carte postale",
                minimum_amount=10_00,
                is_shipped=True,
                shipping_amount=1_50,
            )
        )
    reward = db.session.scalars(sa.select(Reward)).one()
    form = f"{form_of(campaign)}?reward={reward.public_id}"
    fields = {
        "email": GUEST,
        "line1": "2 rue du Port",
        "postal_code": "29200",
        "city": "Brest",
        "reward": reward.public_id,
    }

    too_little = client.submit(form, fields | {"amount": "9,99"}, form="/pledge")
    nowhere = client.submit(form, fields | {"amount": "10", "city": ""}, form="/pledge")
    shown = client.submit(form, fields | {"amount": "10"}, form="/pledge")

    assert parse(too_little).xpath("//p[@id='amount-error']")
    assert parse(nowhere).xpath("//p[@id='city-error']")
    assert parse(nowhere).xpath("//input[@id='line1']/@value") == ["2 rue du Port"]
    assert "11,50" in shown.text


def test_changing_something_gives_the_form_back_as_it_was_filled(
    client: Visitor, make: Make
) -> None:
    campaign = make.live_campaign()
    entries = fill(client, campaign, {"amount": "33", "message": "Bon vent"})

    back = client.post(form_of(campaign), data=entries | {"change": "1"})

    page = parse(back)
    assert page.xpath("//input[@id='amount']/@value") == ["33"]
    assert "Bon vent" in page.xpath("//textarea[@id='message']")[0].text


def test_a_backer_cancels_from_the_receipt_and_is_refunded(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00)
    agree(client, campaign, fill(client, campaign, {"amount": "20", "tip": "1"}))
    sandbox.pay(session_of(the_pledge()))
    receipt = receipt_of(sandbox, the_pledge())
    client.get(receipt)

    assert client.get(f"{receipt}/cancel").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    client.submit(receipt, form="/cancel")
    make.work()

    assert the_pledge().status is PledgeStatus.CANCELED
    assert [refund["amount"] for refund in sandbox.every("/v1/refunds")] == [21_00]
    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 0


def test_in_the_last_day_a_pledge_that_makes_the_goal_stays(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=10)
    make.pledge(campaign, 60_00)
    agree(client, campaign, fill(client, campaign, {"amount": "50"}))
    pledge = db.session.scalars(sa.select(Pledge).filter_by(email=GUEST)).one()
    sandbox.pay(session_of(pledge))
    receipt = receipt_of(sandbox, pledge)
    page = client.get(receipt).text
    assert 'action="' + receipt + '/cancel"' in page
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]

    moment.advance(days=9, hours=1)
    refused = client.post(f"{receipt}/cancel", data={"csrf_token": token})

    assert refused.status_code == HTTPStatus.CONFLICT
    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 110_00


def test_a_pledge_joins_an_account_only_by_the_mailed_link(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    agree(client, campaign, fill(client, campaign, {}))
    sandbox.pay(session_of(the_pledge()))
    unmailed = receipt_of(sandbox, the_pledge())
    client.get(unmailed)
    mailed = Mailbox(app).link_to(GUEST, "/pledges/")
    user = make.user("Riwal", email="riwal.other@example.org")
    client.sign_in(user.email, PASSWORD)

    refused = client.submit(unmailed, form="/join")
    joined = client.submit(mailed, form="/join")

    assert refused.status_code == HTTPStatus.CONFLICT
    assert joined.status_code == HTTPStatus.OK
    assert the_pledge().user_id == user.id
    assert campaign.title in client.get("/account/pledges").text


def test_a_payment_that_was_left_goes_on_from_the_list_of_own_pledges(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    client.sign_in(make.user().email, PASSWORD)
    left = agree(client, campaign, fill(client, campaign, {}))
    [path] = client.page("/account/pledges").xpath("//a[contains(@href,'/pledges/plg_')]/@href")

    again = client.submit(path, form="/pay", follow=False)
    sandbox.pay(session_of(the_pledge()))
    client.get(path)

    assert again.location == left
    assert the_pledge().status is PledgeStatus.ACTIVE


def test_a_new_link_ends_the_earlier_ones(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    agree(client, campaign, fill(client, campaign, {}))
    way_back = receipt_of(sandbox, the_pledge())
    unpaid = client.submit(way_back, form="/pay", button="", follow=False)
    program = app.test_client()
    early = program.post(f"/api/v1/receipts/{way_back.rpartition('/')[2]}/renewal")
    sandbox.pay(session_of(the_pledge()))
    client.get(way_back)
    mailed = Mailbox(app).link_to(GUEST, "/pledges/")

    renewed = client.submit(mailed, form="/renew")

    assert unpaid.status_code == HTTPStatus.SEE_OTHER
    assert early.status_code == HTTPStatus.CONFLICT
    assert "not_paid_yet" in early.text
    assert renewed.status_code == HTTPStatus.OK
    for ended in (way_back, mailed):
        assert client.get(ended).status_code == HTTPStatus.NOT_FOUND
    latest = Mailbox(app).link_to(GUEST, "/pledges/")
    assert client.get(latest).status_code == HTTPStatus.OK
    assert program.post(f"/api/v1/receipts/{latest.rpartition('/')[2]}/renewal").status_code == 204
    assert client.get(latest).status_code == HTTPStatus.NOT_FOUND
    assert the_pledge().status is PledgeStatus.ACTIVE


def test_an_unknown_link_says_nothing(client: Visitor, make: Make) -> None:
    make.live_campaign()

    assert client.get("/pledges/" + "a" * 26).status_code == HTTPStatus.NOT_FOUND


def test_a_mailed_link_ends_thirty_days_after_the_settlement(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=20)
    agree(client, campaign, fill(client, campaign, {}))
    sandbox.pay(session_of(the_pledge()))
    sandbox.top_up(10_00)
    make.work()
    link = Mailbox(app).link_to(GUEST, "/pledges/")

    moment.advance(days=21)
    make.work()
    settled = client.get(link).status_code
    moment.advance(days=29)
    in_time = client.get(link).status_code
    moment.advance(days=2)
    too_late = client.get(link).status_code

    assert db.session.get_one(Campaign, campaign.id).settled_at is not None
    assert [settled, in_time, too_late] == [200, 200, 404]


@pytest.mark.both_engines
def test_of_fifty_buyers_one_gets_the_last_reward(app: Flask, make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(stock=1)
    campaign_id = campaign.public_id
    reward_id = db.session.scalars(sa.select(Reward.public_id)).one()
    db.session.remove()

    def buy(number: int) -> str:
        with app.app_context():
            try:
                place_pledge(
                    campaign_id,
                    PledgeWish(
                        amount=10_00,
                        reward_id=reward_id,
                        email=f"buyer-{number}@example.org",
                        locale="fr",
                        request_key=f"key-{number}",
                    ),
                    clock=DatabaseClock(),
                    rules=Rules(),
                )
            except SoldOutError:
                return "sold out"
            finally:
                db.session.remove()
            return "sold"

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(buy, range(50)))

    assert sorted(answers) == ["sold", *["sold out"] * 49]
    assert db.session.scalars(sa.select(Reward)).one().taken_count == 1


@pytest.mark.both_engines
def test_the_same_request_fifty_times_at_once_is_one_pledge(app: Flask, make: Make) -> None:
    campaign_id = make.live_campaign(stock=1).public_id
    reward_id = db.session.scalars(sa.select(Reward.public_id)).one()
    db.session.remove()

    def ask(_number: int) -> str:
        with app.app_context():
            try:
                wish = PledgeWish(
                    amount=10_00, reward_id=reward_id, email=GUEST, locale="fr", request_key="one"
                )
                placed = place_pledge(campaign_id, wish, clock=DatabaseClock(), rules=Rules())
                return placed.pledge.public_id
            finally:
                db.session.remove()

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(ask, range(50)))) == 1

    assert db.session.scalars(sa.select(Reward)).one().taken_count == 1
