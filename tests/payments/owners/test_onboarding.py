"""F27: the owner's account is restricted, closed or missing: the money waits, and not for ever."""

import json
import time

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.audit import AuditEvent
from octo.database import db, transaction
from octo.mail.outbox import OutboxMessage
from payments.accounting import chart
from payments.models import (
    ConnectedAccount,
    Document,
    InboxEvent,
    InboxStatus,
    OwnerReadiness,
    Refund,
    RefundReason,
)
from stripe_sandbox.client import SandboxClient
from stripe_sandbox.webhooks import signature
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    again,
    balance_of,
    check_books,
    documented_net,
    documents,
    refunded,
    sent_to_owner,
    sign_in_as_treasurer,
    tick,
    transfers,
)
from tests.site import WEBHOOK_SECRET
from tests.visitor import Visitor

pytestmark = [pytest.mark.fault("F27"), pytest.mark.dates]


def reached_without_an_owner(make: Make, moment: Moment, sandbox: SandboxClient) -> Campaign:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_00, days=20, is_ready=False)
    make.pledge(campaign, 80_00, tip=3_00, card=AVAILABLE_AT_ONCE)
    make.pledge(campaign, 53_33, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)
    make.work()
    assert transfers(campaign) == [("pending", 122_13)]
    return campaign


def reminders() -> int:
    sent = sa.select(sa.func.count()).where(OutboxMessage.template == "onboarding_needed")
    return db.session.scalar(sent) or 0


def test_the_owner_is_reminded_once_a_week_and_paid_when_ready(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached_without_an_owner(make, moment, sandbox)
    assert reminders() == 1

    for days in (3, 3, 2, 1, 7):
        moment.advance(days=days)
        make.work()

    assert reminders() == 3
    make.onboard(campaign.organisation)
    make.work()
    assert sent_to_owner(sandbox, campaign) == 122_13
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_closed_account_is_replaced_by_another(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 80_00, card=AVAILABLE_AT_ONCE)
    closed = make.stripe_account(campaign.organisation)
    sandbox.post(f"/_sandbox/accounts/{closed}/close")
    with transaction() as session:
        session.scalars(sa.select(ConnectedAccount)).one().checked_at = None
    moment.advance(days=21)
    make.work()
    readiness = db.session.scalars(sa.select(ConnectedAccount.readiness)).one()
    assert readiness is OwnerReadiness.CLOSED
    assert sent_to_owner(sandbox, campaign) == 0

    make.onboard(campaign.organisation)
    make.work()

    (transfer,) = sandbox.every("/v1/transfers")
    assert transfer["destination"] == make.stripe_account(campaign.organisation) != closed
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_everything_is_given_back_by_an_audited_act_before_the_last_day(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached_without_an_owner(make, moment, sandbox)
    moment.advance(days=52)
    make.work()
    sign_in_as_treasurer(make, client)
    page = f"/treasury/campaigns/{campaign.public_id}"
    urgent = client.page(page).xpath("//*[contains(@class, 'notice')]//a/@href")
    assert f"{page}/refund-all" in urgent

    assert client.submit(f"{page}/refund-all", {"reason": ""}).status_code == 422
    answer = client.submit(f"{page}/refund-all", {"reason": "La structure est dissoute"})
    make.work()

    assert answer.status_code == 200
    assert again(campaign).outcome is Outcome.FAILED
    assert again(campaign).status is CampaignStatus.SETTLED
    assert documents(campaign) == [("main", 133_33, 122_13), ("credit_note", 133_33, 122_13)]
    main, reversal = db.session.scalars(sa.select(Document).order_by(Document.id))
    assert (main.voided_by_id, reversal.voided_by_id) == (reversal.id, None)
    assert documented_net(campaign) == sent_to_owner(sandbox, campaign) == 0
    assert transfers(campaign) == [("netted", 0)]
    assert refunded(sandbox) == [53_33, 83_00]
    reasons = set(db.session.scalars(sa.select(Refund.reason)))
    assert reasons == {RefundReason.OWNER_NOT_PAID}
    assert set(db.session.scalars(sa.select(Pledge.status))) == {PledgeStatus.REFUNDED}
    for account in (chart.PLATFORM_FEES, chart.VAT_COLLECTED, chart.TIPS):
        assert balance_of(account) == 0
    act = sa.select(AuditEvent.reason).where(AuditEvent.action == "campaign.failed_after_success")
    assert db.session.scalars(act).one() == "La structure est dissoute"
    check_books(sandbox)


def test_the_command_gives_back_before_any_transfer_and_never_after(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    waiting = reached_without_an_owner(make, moment, sandbox)
    paid = make.live_campaign(goal=10_00, days=20)
    make.pledge(paid, 20_00, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)
    make.work()
    runner = app.test_cli_runner()

    def refund_all(campaign: Campaign) -> tuple[int, str]:
        db.session.rollback()
        command = ["campaign", "refund-all", campaign.slug, "--reason", "Vu", "--json"]
        result = runner.invoke(args=command)
        return result.exit_code, result.output

    assert refund_all(paid)[0] == 1
    code, told = refund_all(waiting)
    make.work()

    assert (code, json.loads(told)["outcome"]) == (0, "failed")
    assert refunded(sandbox) == [53_33, 83_00]
    assert again(paid).outcome is Outcome.SUCCEEDED
    assert sent_to_owner(sandbox, paid) == documented_net(paid)
    check_books(sandbox)


@pytest.mark.parametrize(
    "kind",
    [
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[requirements].updated",
        "v2.core.account.closed",
    ],
)
def test_an_event_that_only_names_the_account_has_it_asked_about(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient, kind: str
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 80_00, card=AVAILABLE_AT_ONCE)
    account_id = make.stripe_account(campaign.organisation)
    moment.advance(days=21)
    tick(make, "close_campaigns")
    sandbox.restrict(account_id)  # between the verdict and the transfer
    related = {
        "id": account_id,
        "type": "v2.core.account",
        "url": f"/v2/core/accounts/{account_id}",
    }
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": kind, "livemode": False}
    body = json.dumps({**thin, "created": "2026-11-26T02:00:00.000Z", "related_object": related})

    signed = {"Stripe-Signature": signature(body, WEBHOOK_SECRET, at=int(time.time()))}
    assert client.post("/webhooks/stripe", data=body, headers=signed).status_code == 200
    tick(make, "handle_inbox", "settle_campaigns")

    readiness = db.session.scalars(sa.select(ConnectedAccount.readiness)).one()
    assert readiness is OwnerReadiness.RESTRICTED
    handled = sa.select(InboxEvent.status).where(InboxEvent.stripe_event_id == "evt_thin")
    assert db.session.scalars(handled).one() is InboxStatus.HANDLED
    assert sent_to_owner(sandbox, campaign) == 0
    assert reminders() == 1
