"""What counts towards a goal, at every door that shows it or judges by it.

Pledged less refunded, in whole or part, by us or by hand at Stripe, less what banks withdrew.
"""

import json
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Collection, Outcome, Pledge
from octo.database import db
from payments.gateway.runtime import payments_runtime
from payments.refunds.requests import refund_by_treasurer
from stripe_sandbox.client import VISA, SandboxClient
from tests.campaigns.deadline.test_collection_table import DECLINED_LATER
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import DISPUTED, again, check_books, documents, judge, owner_of, tick
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, refresh

pytestmark = pytest.mark.fault("F45")


def shown(client: Visitor, campaign: Campaign) -> tuple[int, str]:
    """Return what the API counts of a campaign, and the share that its page shows."""
    refresh()
    answer = client.get(f"/api/v1/campaigns/{campaign.public_id}").json
    assert answer is not None
    page = client.get(f"/campaigns/{campaign.slug}").text
    listed = client.get("/campaigns").text
    share = f"{100 * answer['pledged_amount'] // answer['goal_amount']}%"
    assert share in page.replace("\u202f", "").replace("\u00a0", "")
    assert share in listed.replace("\u202f", "").replace("\u00a0", "")
    return answer["pledged_amount"], share


def refund_by_hand(make: Make, sandbox: SandboxClient, pledge: Pledge, amount: int) -> None:
    charge = make.payment(pledge).stripe_charge_id
    sandbox.call_stripe("/v1/refunds", charge=charge, amount=amount)
    make.work()


def refund_by_us(make: Make, pledge: Pledge, amount: int) -> None:
    runtime = payments_runtime()
    refund_by_treasurer(
        make.payment(pledge).public_id,
        amount=amount,
        action_key=f"some:{pledge.public_id}:{amount}",
        actor="usr_treasurer",
        settings=runtime.settings,
        clock=runtime.clock,
    )
    make.work()


def cancel(app: Flask, client: Visitor, pledge: Pledge) -> str:
    """Cancel a pledge by the mailed link to its receipt, and return what the page then says."""
    receipt = Mailbox(app).link_to(pledge.email, "/pledges/")
    if '/cancel"' not in client.get(receipt).text:
        return "no way to cancel"
    client.submit(receipt, form="/cancel")
    return "canceled"


def rehearse(app: Flask, campaign: Campaign) -> tuple[str, int]:
    ran = app.test_cli_runner().invoke(args=["settle", "--rehearse", "--json", campaign.slug])
    (plan,) = json.loads(ran.output)["campaigns"]
    refresh()
    return plan["outcome"], plan["shortfall_amount"]


def test_what_a_bank_withdrew_counts_neither_on_pages_nor_in_the_verdict(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    make.pledge(campaign, 30_00, tip=3_00, card=DISPUTED)
    make.pledge(campaign, 25_00)
    make.work()

    assert shown(client, campaign) == (25_00, "50%")
    assert rehearse(app, campaign) == ("failed", 25_00)

    moment.advance(days=21)
    make.work()

    assert again(campaign).outcome is Outcome.FAILED
    assert shown(client, campaign) == (25_00, "50%")
    check_books(sandbox)


def test_what_a_bank_gave_back_before_the_verdict_counts_again(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    make.pledge(campaign, 30_00, tip=3_00, card=DISPUTED)
    make.pledge(campaign, 25_00)
    make.work()
    (dispute,) = sandbox.every("/v1/disputes")

    judge(sandbox, dispute["id"], "win")
    make.work()

    assert shown(client, campaign) == (55_00, "110%")
    moment.advance(days=21)
    make.work()
    assert again(campaign).outcome is Outcome.SUCCEEDED
    assert documents(campaign)[0][:2] == ("main", 55_00)
    check_books(sandbox)


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by us"])
def test_a_refund_in_part_takes_its_part_out_of_what_counts(
    *,
    by_hand: bool,
    app: Flask,
    client: Visitor,
    make: Make,
    moment: Moment,
    sandbox: SandboxClient,
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=30_00, days=20)
    pledge = make.pledge(campaign, 30_00, tip=2_00)

    if by_hand:
        refund_by_hand(make, sandbox, pledge, 15_00)
    else:
        refund_by_us(make, pledge, 15_00)

    assert shown(client, campaign) == (15_00, "50%")
    assert again(campaign).backers_count == 1
    assert rehearse(app, campaign) == ("failed", 15_00)
    check_books(sandbox)

    moment.advance(days=21)
    make.work()

    assert again(campaign).outcome is Outcome.FAILED
    assert shown(client, campaign) == (15_00, "50%")
    check_books(sandbox)


def test_a_refund_in_parts_that_come_to_the_whole_ends_the_pledge_once(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=30_00, days=20)
    pledge = make.pledge(campaign, 30_00, tip=2_00)
    make.pledge(campaign, 6_00)

    refund_by_hand(make, sandbox, pledge, 10_00)
    refund_by_us(make, pledge, 21_00)

    assert shown(client, campaign) == (6_00, "20%")
    assert again(campaign).backers_count == 2

    refund_by_us(make, pledge, 1_00)

    assert shown(client, campaign) == (6_00, "20%")
    assert again(campaign).backers_count == 1
    check_books(sandbox)


def test_the_last_day_locks_by_what_counts(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    make.pledge(campaign, 40_00, card=DISPUTED)
    make.pledge(campaign, 30_00)
    needed = make.pledge(campaign, 20_00)
    almost_gone = make.pledge(campaign, 40_00)
    refund_by_us(make, almost_gone, 36_00)
    assert shown(client, campaign) == (54_00, "108%")
    moment.advance(days=19, hours=12)

    assert cancel(app, client, needed) == "no way to cancel"
    assert cancel(app, client, almost_gone) == "canceled"

    make.work()
    assert shown(client, campaign) == (50_00, "100%")
    check_books(sandbox)


def test_a_goal_that_was_reached_and_is_no_longer_may_be_given_more_time(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    pledge = make.pledge(campaign, 60_00)
    page = f"/owner/campaigns/{campaign.public_id}"
    client.sign_in(owner_of(campaign).email, PASSWORD)
    assert "/extend" not in client.get(page).text

    refund_by_hand(make, sandbox, pledge, 20_00)
    client.submit(page, {"days": "5"}, form="/extend")

    assert again(campaign).extended_at is not None
    assert client.get(page).status_code == HTTPStatus.OK


def test_the_second_verdict_counts_what_is_left_of_what_was_charged(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=100_00, days=20, collection=Collection.ON_SUCCESS)
    pledges = [make.pledge(campaign, amount, card=VISA) for amount in (60_00, 50_00)]
    make.pledge(campaign, 20_00, card=DECLINED_LATER)
    moment.advance(days=20)
    make.work()
    assert again(campaign).status is CampaignStatus.COLLECTING

    refund_by_hand(make, sandbox, pledges[0], 20_00)

    assert shown(client, campaign) == (110_00, "110%")
    check_books(sandbox)
    moment.advance(days=8)
    tick(make, "compare_books", "collect_campaigns")
    assert again(campaign).outcome is Outcome.FAILED
    assert shown(client, campaign) == (90_00, "90%")
    make.work()
    assert shown(client, campaign) == (90_00, "90%")
    assert again(campaign).backers_count == 2
    check_books(sandbox)


def test_campaigns_of_an_older_database_are_counted_anew(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(200_00)
    campaign = make.live_campaign(goal=30_00, days=20)
    refund_by_us(make, make.pledge(campaign, 30_00, tip=2_00), 15_00)
    stored = sa.text("SELECT pledged_amount FROM campaign")

    assert app.test_cli_runner().invoke(args=["db", "downgrade", "0016-1"]).exit_code == 0
    with db.engine.connect() as connection:
        assert connection.execute(stored).scalar_one() == 30_00
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0

    assert shown(client, campaign) == (15_00, "50%")
    check_books(sandbox)
