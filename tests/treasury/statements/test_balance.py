"""The balance of a statement is what the debt's page says, whatever a bank does meanwhile."""

import pytest

from campaigns.models import Campaign, Pledge
from octo.database import db
from payments.accounting.check import check_ledger
from stripe_sandbox.client import SandboxClient
from tests.campaigns.test_what_counts import refund_by_hand, refund_by_us
from tests.make import Make
from tests.moment import Moment
from tests.obligations import check_books, contest, debt_left, judge, sign_in_as_treasurer
from tests.visitor import Visitor, refresh
from treasury.statements.statement import read_rows, read_totals

pytestmark = pytest.mark.fault("F45")


def paid_out(make: Make, moment: Moment) -> tuple[Campaign, list[Pledge]]:
    """Have three backers reach a goal, and the owner paid."""
    make.moment.sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    given = ((33_33, 77), (25_11, 0), (19_99, 1_00))
    pledges = [make.pledge(campaign, amount, tip=tip) for amount, tip in given]
    moment.advance(days=21)
    make.work()
    moment.advance(days=8)
    make.work()
    return campaign, pledges


def told(client: Visitor, campaign: Campaign) -> int:
    """Return the balance of the statement, which the page shows too; below zero, what is owed."""
    refresh()
    balance = [row.balance_amount for row in read_rows(campaign.id)][-1]
    assert read_totals(campaign.id).change_amount == balance
    assert check_ledger(db.session()).faults == ()
    page = client.page(f"/treasury/campaigns/{campaign.public_id}")
    (first, *_) = page.xpath("//a/@href[contains(., '/settlements/')]")
    statement = client.page(first)
    last = statement.xpath("//tfoot//td[@data-label][last()]")[-1].text_content()
    cents = last.translate(str.maketrans({"−": "-", "\u00a0": "", "\u202f": "", ",": "", "€": ""}))
    assert int(cents) == balance
    return balance


def test_what_the_owner_owes_is_one_figure_while_a_dispute_is_open_and_after(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, (first, second, third) = paid_out(make, moment)
    sign_in_as_treasurer(make, client)
    assert told(client, campaign) == 0
    refund_by_us(make, first, 11_11)
    refund_by_us(make, second, 11_11)
    refund_by_hand(make, sandbox, first, 1_00)
    assert told(client, campaign) == -debt_left(campaign) < 0
    before = debt_left(campaign)

    dispute = contest(sandbox, make.payment(third).stripe_charge_id)
    make.work()
    while_open = told(client, campaign)
    judge(sandbox, dispute, "lose")
    make.work()

    assert debt_left(campaign) > before
    assert while_open == told(client, campaign) == -debt_left(campaign)
    assert {row.pledge_id for row in read_rows(campaign.id) if "dispute" in row.event} <= {
        third.public_id,
        None,
    }
    check_books(sandbox)


def test_a_dispute_that_is_won_leaves_no_trace_in_the_balance(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, (_, _, third) = paid_out(make, moment)
    sign_in_as_treasurer(make, client)
    dispute = contest(sandbox, make.payment(third).stripe_charge_id)
    make.work()
    assert told(client, campaign) == -debt_left(campaign) < 0

    judge(sandbox, dispute, "win")
    make.work()
    make.work()

    assert debt_left(campaign) == 0
    assert told(client, campaign) == 0
    withdrawn = [row.withdrawn_amount for row in read_rows(campaign.id) if row.withdrawn_amount]
    assert withdrawn == [-19_99, 19_99]
    check_books(sandbox)
