"""F26: the balance is too low: refunds wait, are shown, and go on once it is topped up."""

import pytest
import sqlalchemy as sa

from campaigns.models import CampaignStatus
from octo.database import db
from payments.accounting import chart
from payments.models import Refund, RefundStatus
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    again,
    balance_of,
    check_books,
    refunded,
    sent_to_owner,
    sign_in_as_treasurer,
)
from tests.visitor import Visitor

pytestmark = pytest.mark.fault("F26")


def test_refunds_wait_for_a_top_up_and_no_owner_is_paid_with_them(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    reached = make.live_campaign(goal=10_00, days=20)
    missed = make.live_campaign(goal=5_000_00, days=20)
    make.pledge(reached, 10_00, card=AVAILABLE_AT_ONCE)
    make.pledge(missed, 500_00, card=AVAILABLE_AT_ONCE)
    make.pledge(missed, 500_00, card=AVAILABLE_AT_ONCE)  # Stripe keeps 15.50 of the two
    moment.advance(days=21)

    due = make.work()

    states = sorted(db.session.scalars(sa.select(Refund.status)).all())
    assert states == [RefundStatus.PENDING, RefundStatus.SUCCEEDED]
    assert again(missed).status is CampaignStatus.SETTLING
    assert sent_to_owner(sandbox, reached) == 0
    assert any("balance" in reason for reason in due.waiting)
    sign_in_as_treasurer(make, client)
    notices = client.page("/treasury").xpath("//*[contains(@class, 'notice')]")
    assert any("500,00" in notice.text_content() for notice in notices)
    check_books(sandbox)

    sandbox.top_up(100_00)
    make.work()

    assert refunded(sandbox) == [500_00, 500_00]
    assert again(missed).status is CampaignStatus.SETTLED
    assert again(reached).status is CampaignStatus.SETTLED
    assert balance_of(chart.campaign_funds(missed)) == 0
    check_books(sandbox)
