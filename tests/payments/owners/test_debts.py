"""F29: a dispute once the owner was paid: owed, recovered or written off, and restored by a win."""

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.audit import AuditEvent
from octo.database import db
from payments.accounting import chart
from payments.models import Dispute, DisputeStage, ReversalStatus, TransferReversal
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    again,
    balance_of,
    check_books,
    contest,
    debt_left,
    documented_net,
    documents,
    judge,
    sent_to_owner,
    sign_in_as_treasurer,
    transfers,
)
from tests.visitor import Visitor

NET_OF_80 = 73_28  # 80.00 less 5.60 and 1.12

pytestmark = pytest.mark.fault("F29")


def paid_and_contested(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, str]:
    """Pay an owner, then have a bank take one of the pledges back."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    payment = make.payment(make.pledge(campaign, 80_00, tip=3_00))
    make.pledge(campaign, 53_33)
    moment.advance(days=40)
    make.work()
    assert transfers(campaign) == [("succeeded", 122_13)]
    dispute = contest(sandbox, payment.stripe_charge_id)
    make.work()
    return campaign, dispute


def act(client: Visitor, campaign: Campaign, act: str, **fields: str) -> None:
    page = f"/treasury/campaigns/{campaign.public_id}/debt"
    button = "" if act == "recover" else act
    fields["reason"] = "Vu avec la structure"
    answer = client.submit(page, fields, form="/debt/recover", button=button)
    assert answer.status_code == 200


def test_the_owner_owes_the_net_of_it_and_a_reversal_recovers_that(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, dispute = paid_and_contested(make, moment, sandbox)

    assert documents(campaign)[1:] == [("credit_note", 80_00, NET_OF_80)]
    assert debt_left(campaign) == NET_OF_80
    assert balance_of(chart.owner_debt(campaign.organisation)) == NET_OF_80
    assert db.session.scalars(sa.select(Dispute.stage)).one() is DisputeStage.AFTER_TRANSFER
    check_books(sandbox)

    sign_in_as_treasurer(make, client)
    act(client, campaign, "recover", amount="73,28")
    make.work()

    assert debt_left(campaign) == 0
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign) == 122_13 - NET_OF_80
    judge(sandbox, dispute, "lose")
    make.work()
    assert balance_of(chart.DISPUTE_LOSSES) == 0
    assert balance_of(chart.PLATFORM_FEES) == -3_73
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_debt_is_written_off_by_an_audited_act_and_a_win_brings_it_back(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, dispute = paid_and_contested(make, moment, sandbox)
    sign_in_as_treasurer(make, client)

    act(client, campaign, "write-off")

    assert debt_left(campaign) == 0
    assert balance_of(chart.DISPUTE_LOSSES) == NET_OF_80
    assert balance_of(chart.owner_debt(campaign.organisation)) == 0
    noted = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "debt.written_off")
    ).one()
    assert noted.reason == "Vu avec la structure"
    check_books(sandbox)

    judge(sandbox, dispute, "win")
    make.work()

    assert documents(campaign)[2] == ("supplementary", 80_00, NET_OF_80)
    assert balance_of(chart.DISPUTE_LOSSES) == 0
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign) == 122_13
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_win_restores_what_was_recovered_and_forgets_what_was_owed(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, dispute = paid_and_contested(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    act(client, campaign, "recover", amount="50")
    make.work()
    assert debt_left(campaign) == NET_OF_80 - 50_00

    judge(sandbox, dispute, "win")
    make.work()

    assert debt_left(campaign) == 0
    assert transfers(campaign) == [("succeeded", 122_13), ("succeeded", 50_00)]
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign) == 122_13
    check_books(sandbox)


def test_what_the_owners_account_does_not_hold_stays_owed(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, _ = paid_and_contested(make, moment, sandbox)
    moment.advance(days=3)  # Stripe has paid the owner's balance out
    sign_in_as_treasurer(make, client)

    act(client, campaign, "recover", amount="73,28")
    make.work()

    reversal = db.session.scalars(sa.select(TransferReversal)).one()
    assert reversal.status is ReversalStatus.FAILED
    assert debt_left(campaign) == NET_OF_80
    page = client.page(f"/treasury/campaigns/{campaign.public_id}").text_content()
    assert "73,28" in page
    check_books(sandbox)
