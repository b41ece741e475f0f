"""Time passes: one campaign makes it, one does not, and the treasurer reads the books."""

import csv
from decimal import Decimal

import pytest

from campaigns.models import Campaign
from octo.accounts.models import RoleName
from stripe_sandbox.client import SandboxClient
from tests.browser.conftest import Invite
from tests.browser.person import PHONE, Person
from tests.browser.test_backer import GUEST, go_to_checkout, pay_with
from tests.make import Make
from tests.moment import Moment

pytestmark = pytest.mark.browser

TREASURER = "treasurer@example.org"


def as_treasurer(invite: Invite, make: Make) -> Person:
    make.user("Fatima", email=TREASURER, roles=(RoleName.TREASURER,))
    treasurer = invite()
    treasurer.sign_in(TREASURER)
    return treasurer


def succeed(make: Make, moment: Moment) -> Campaign:
    """Let a campaign collect 150 € of 100 €, and its owner be paid."""
    campaign = make.live_campaign(goal=100_00, days=20)
    make.pledge(campaign, 90_00, tip=2_00)
    make.pledge(campaign, 60_00)
    moment.advance(days=21)
    make.work()
    moment.advance(days=8)
    make.work()
    return campaign


def test_a_missed_goal_gives_the_money_back_and_the_receipt_says_so(
    invite: Invite, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=100_00, days=20, stock=3)
    backer = invite(PHONE)
    go_to_checkout(backer, campaign)
    pay_with(backer, "4242 4242 4242 4242")
    receipt = backer.path

    moment.advance(days=21)
    make.work()

    backer.open(receipt)
    backer.sees("€16.00 was sent back to your card", "Sent back to your card", "€16.00")
    backer.open_mail(GUEST, campaign.title)
    backer.open(f"/campaigns/{campaign.slug}")
    backer.sees("The goal was not reached: every backer gets everything back.")


def test_a_treasurer_reads_what_is_owed_and_exports_totals_that_agree(
    invite: Invite, make: Make, moment: Moment
) -> None:
    campaign = succeed(make, moment)
    treasurer = as_treasurer(invite, make)

    treasurer.open("/treasury")
    treasurer.sees(campaign.title, "€152.00")
    treasurer.follow(campaign.title)
    treasurer.sees("Ledger", "€90.00")
    treasurer.follow("Settlement R")
    treasurer.sees("€150.00", "Paid to the owner")
    shown = treasurer.page.locator("tfoot [data-label=Gross]").inner_text()
    file = treasurer.download("Statement for a program").path()
    lines = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))

    assert Decimal(shown.strip("€").replace(",", "")) == sum(
        Decimal(line["gross_amount"]) for line in lines
    )
    assert Decimal(lines[-1]["balance_amount"]) == 0


def test_the_button_of_the_demo_moves_time(invite: Invite, make: Make, moment: Moment) -> None:
    visitor = invite(PHONE)
    before = moment.now()

    visitor.open("/demo")
    visitor.press("One day")

    visitor.sees("In the demo it is now")
    assert (moment.now() - before).days in {0, 1}
