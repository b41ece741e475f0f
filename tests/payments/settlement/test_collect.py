"""A goal is reached on saved cards: they are charged, repaired or not, and judged again."""

from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Collection, Outcome, Pledge, PledgeStatus
from octo.accounts.models import Membership, RoleName, User
from octo.database import db
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.ledger.balances import balance_of
from payments.models import CardStatus, PaymentStatus, Refund, RefundReason, Settlement
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.dates]

DECLINED_LATER = "4000000000000341"
ASKS_ALWAYS = "4000002760003184"
ASKS_ONCE = "4000002500003155"
DISPUTED = "4000000000000259"


def again(campaign: Campaign) -> Campaign:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def status_of(pledge: Pledge) -> PledgeStatus:
    return db.session.get_one(Pledge, pledge.id).status


def live(make: Make, goal: int) -> Campaign:
    return make.live_campaign(goal=goal, days=20, collection=Collection.ON_SUCCESS)


def paid_at_stripe(sandbox: SandboxClient) -> list[int]:
    return sorted(one["amount"] for one in sandbox.every("/v1/charges") if one["paid"])


def mails_to(app: Flask, pledge: Pledge) -> list[str]:
    return [mail.template for mail in Mailbox(app).to(pledge.email)]


def pay_again(client: Visitor, make: Make, sandbox: SandboxClient, receipt: str) -> None:
    """Do what a backer does from the mailed link: go to Stripe's page and pay, and come back."""
    answer = client.submit(receipt, form="/repair", follow=False)
    assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    (page,) = sandbox.every("/v1/checkout/sessions", status="open")
    assert answer.location == page["url"]
    sandbox.pay(page["id"])
    client.get(receipt)


def test_a_reached_goal_charges_each_saved_card_once_and_pays_the_owner(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = live(make, 100_00)
    pledges = [
        make.pledge(campaign, 60_00, tip=2_00),
        make.pledge(campaign, 50_00, card=ASKS_ONCE),
    ]

    moment.advance(days=21)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLING
    assert paid_at_stripe(sandbox) == [50_00, 62_00]
    document = db.session.scalars(sa.select(Settlement)).one()
    assert (document.gross_amount, document.tips_amount) == (110_00, 2_00)
    moment.advance(days=10)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert [status_of(one) for one in pledges] == [PledgeStatus.COLLECTED] * 2
    assert [make.card(one).status for one in pledges] == [CardStatus.FORGOTTEN] * 2
    assert [one["amount"] for one in sandbox.every("/v1/transfers")] == [document.net_amount]
    assert mails_to(app, pledges[0]) == ["card_saved", "card_charged", "pledge_collected"]
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert check_ledger(db.session()).faults == ()


def test_declined_cards_are_repaired_from_the_mailed_link_and_nobody_pays_twice(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = live(make, 100_00)
    make.pledge(campaign, 60_00)
    declined = make.pledge(campaign, 30_00, tip=1_00, card=DECLINED_LATER)
    asked = make.pledge(campaign, 20_00, card=ASKS_ALWAYS)
    moment.advance(days=21)
    make.work()

    assert again(campaign).status is CampaignStatus.COLLECTING
    assert paid_at_stripe(sandbox) == [60_00]
    codes = [make.payment(one).failure_code for one in (declined, asked)]
    assert codes == ["generic_decline", "authentication_required"]
    ended = [one["status"] for one in sandbox.every("/v1/payment_intents")]
    assert sorted(ended) == ["canceled", "canceled", "succeeded"]

    assert "Encaissement en cours" in client.get(f"/campaigns/{campaign.slug}").text
    links = [Mailbox(app).link_to(one.email, "/pledges/") for one in (declined, asked)]
    assert "Votre banque a refusé cette carte" in client.get(links[0]).text
    assert "confirmer ce paiement vous-même" in client.get(links[1]).text
    for link in links:
        pay_again(client, make, sandbox, link)
    nothing_left = client.post(f"{links[0]}/repair")
    make.work()

    assert nothing_left.status_code == HTTPStatus.BAD_REQUEST  # the page offers no form any more
    assert again(campaign).status is CampaignStatus.SETTLING
    assert again(campaign).pledged_amount == 110_00
    assert paid_at_stripe(sandbox) == [20_00, 31_00, 60_00]
    assert [one.status for one in make.payments(declined)] == [
        PaymentStatus.FAILED,
        PaymentStatus.SUCCEEDED,
    ]
    assert mails_to(app, declined) == [
        "card_saved",
        "payment_problem",
        "card_charged",
        "pledge_collected",
    ]
    assert db.session.scalars(sa.select(Settlement.gross_amount)).all() == [110_00]
    assert check_ledger(db.session()).faults == ()


def test_enough_without_a_declined_card_settles_on_what_came_in(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = live(make, 50_00)
    make.pledge(campaign, 60_00)
    declined = make.pledge(campaign, 30_00, card=DECLINED_LATER)
    moment.advance(days=20, seconds=1)
    make.work()

    for day in range(1, 8):
        moment.advance(days=1)
        make.work()
        is_over = day == 7
        assert (again(campaign).status is CampaignStatus.COLLECTING) is not is_over

    assert again(campaign).outcome is Outcome.SUCCEEDED
    assert again(campaign).pledged_amount == 60_00
    assert status_of(declined) is PledgeStatus.RELEASED
    assert mails_to(app, declined) == [
        "card_saved",
        "payment_problem",
        "repair_reminder",
        "repair_reminder",
        "pledge_not_collected",
    ]
    link = Mailbox(app).link_to(declined.email, "/pledges/")
    assert "continue sans votre contribution" in client.get(link).text
    assert db.session.scalars(sa.select(Settlement.gross_amount)).all() == [60_00]


def test_reminders_that_are_both_due_are_one_mail(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = live(make, 50_00)
    make.pledge(campaign, 60_00)
    declined = make.pledge(campaign, 30_00, card=DECLINED_LATER)
    moment.advance(days=20, seconds=1)
    make.work()

    moment.advance(days=6, hours=1)
    make.work()
    make.work()

    assert mails_to(app, declined) == ["card_saved", "payment_problem", "repair_reminder"]


def test_too_little_collected_gives_everything_back(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = live(make, 100_00)
    charged = make.pledge(campaign, 60_00, tip=2_00)
    declined = make.pledge(campaign, 50_00, card=DECLINED_LATER)
    moment.advance(days=21)
    make.work()
    moment.advance(days=8)

    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert again(campaign).outcome is Outcome.FAILED
    assert [status_of(charged), status_of(declined)] == [
        PledgeStatus.REFUNDED,
        PledgeStatus.RELEASED,
    ]
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [62_00]
    assert mails_to(app, charged)[-1] == "pledge_refunded"
    assert mails_to(app, declined)[-1] == "pledge_released"
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert balance_of(chart.tips_held(campaign)) == 0
    assert db.session.scalars(sa.select(Settlement)).all() == []
    assert check_ledger(db.session()).faults == ()


def test_what_a_bank_takes_back_meanwhile_does_not_count(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = live(make, 100_00)
    make.pledge(campaign, 80_00, card=DISPUTED)
    make.pledge(campaign, 60_00)
    make.pledge(campaign, 10_00, card=DECLINED_LATER)
    moment.advance(days=21)
    make.work()
    assert again(campaign).status is CampaignStatus.COLLECTING

    moment.advance(days=8)
    make.work()

    assert again(campaign).outcome is Outcome.FAILED
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [60_00]


def test_money_that_comes_after_the_second_verdict_goes_back(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = live(make, 50_00)
    make.pledge(campaign, 60_00)
    declined = make.pledge(campaign, 30_00, card=DECLINED_LATER)
    sandbox.fault(path="/v1/payment_intents/*/cancel", action="drop_before", times=0)
    moment.advance(days=21)
    make.work()
    moment.advance(days=8)
    make.work()
    assert status_of(declined) is PledgeStatus.RELEASED

    intent = make.payment(declined).stripe_payment_intent_id
    sandbox.call_stripe(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa")
    sandbox.clear_faults()
    make.work()

    refund = db.session.scalars(sa.select(Refund)).one()
    assert (refund.reason, refund.amount) == (RefundReason.TOO_LATE, 30_00)
    assert make.payment(declined).is_late
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [30_00]
    assert db.session.scalars(sa.select(Settlement.gross_amount)).all() == [60_00]
    assert check_ledger(db.session()).faults == ()


def test_while_cards_are_charged_all_see_it_and_nobody_can_call_it_off(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = live(make, 50_00)
    make.pledge(campaign, 60_00)
    make.pledge(campaign, 30_00, card=DECLINED_LATER)
    moment.advance(days=21)
    make.work()
    members = sa.select(User).join(Membership, Membership.user_id == User.id)
    owner = db.session.scalars(
        members.where(Membership.organisation_id == campaign.organisation_id)
    ).one()
    moderator = make.user("Moderator", roles=(RoleName.MODERATOR, RoleName.TREASURER))
    public = app.test_client().get(f"/campaigns/{campaign.slug}").text
    client.sign_in(owner.email, PASSWORD)
    page = f"/owner/campaigns/{campaign.public_id}"
    shown = client.get(page).text

    assert "les cartes sont débitées" in public
    assert "60" in public
    assert "Reste à débiter ou à rattraper" in shown
    assert f"{page}/cancel" not in shown
    visitor = app.test_client()
    assert isinstance(visitor, Visitor)
    visitor.sign_in(moderator.email, PASSWORD)
    assert "30,00" in visitor.get(f"/treasury/campaigns/{campaign.public_id}").text
    review = visitor.get(f"/moderation/campaigns/{campaign.public_id}").text
    assert "/suspend" not in review
    assert again(campaign).status is CampaignStatus.COLLECTING
