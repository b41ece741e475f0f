"""F10: Stripe's news come late and in any order; what is true is fetched, and taken in once."""

from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Collection
from octo.database import db
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.gateway.client import StripeAwayError
from payments.ledger.balances import balance_of
from payments.models import InboxEvent, InboxStatus, Refund, RefundStatus
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

REFUND_FAILS_LATER: Final = "4000000000005126"

pytestmark = pytest.mark.fault("F10")


def unhandled() -> list[str]:
    """List the events that still wait to be understood."""
    left = (InboxStatus.RECEIVED, InboxStatus.PARKED)
    return list(db.session.scalars(sa.select(InboxEvent.type).where(InboxEvent.status.in_(left))))


@pytest.mark.parametrize("collection", list(Collection))
def test_a_page_whose_answer_was_lost_is_known_by_the_ids_it_carries(
    make: Make, moment: Moment, sandbox: SandboxClient, collection: Collection
) -> None:
    campaign = make.live_campaign(collection=collection)
    pledge = make.pending_pledge(campaign, 15_00)
    sandbox.fault(method="POST", path="/v1/checkout/sessions", action="drop_after", times=0)
    with pytest.raises(StripeAwayError):
        make.open_checkout(pledge)
    moment.advance(hours=2)

    make.work()

    assert len(sandbox.every("/v1/checkout/sessions")) == 1
    assert unhandled() == []


def test_a_refund_by_hand_that_came_back_before_we_knew_of_it_keeps_nothing_waiting(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    payment = make.payment(make.pledge(campaign, 15_00, card=REFUND_FAILS_LATER))
    make.work()
    sandbox.call_stripe("/v1/refunds", charge=payment.stripe_charge_id, amount=1_00)
    moment.advance(days=21)

    make.work()

    refunds = db.session.execute(
        sa.select(Refund.amount, Refund.status).order_by(Refund.amount)
    ).all()
    assert refunds[0] == (1_00, RefundStatus.FAILED)
    assert unhandled() == []
    assert balance_of(chart.refunds_owed(campaign)) <= -1_00
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLING
    assert check_ledger(db.session()).faults == ()
