"""A campaign whose cards are charged on success: from the saved card to the settlement."""

from campaigns.models import Campaign, CampaignStatus, Collection
from octo.database import db
from payments.ledger import chart
from payments.ledger.balances import balance_of
from payments.models import CardStatus
from tests.make import Make
from tests.moment import Moment
from tests.sandbox import SandboxClient


def again(campaign: Campaign) -> Campaign:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def test_a_reached_goal_charges_the_saved_cards_and_pays_the_owner(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=20, collection=Collection.ON_SUCCESS)
    pledges = [make.pledge(campaign, 60_00, tip=2_00), make.pledge(campaign, 60_00)]
    assert again(campaign).pledged_amount == 120_00
    assert make.card(pledges[0]).status is CardStatus.SAVED
    assert sandbox.every("/v1/charges") == []
    assert balance_of(chart.STRIPE_BALANCE) == 0

    moment.advance(days=21)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLING
    assert balance_of(chart.owner_payable(campaign)) < 0
    moment.advance(days=10)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    assert make.card(pledges[0]).status is CardStatus.FORGOTTEN
