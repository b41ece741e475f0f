"""F25: a refund fails, at once or days later: owed, asked about, and never silently dropped."""

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.audit import AuditEvent
from octo.database import db
from octo.mail.outbox import OutboxMessage
from payments.accounting import chart
from payments.models import Attempt, AttemptKind, Payment, Refund, RefundStatus, Resolution
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import again, balance_of, check_books, refunded, sign_in_as_treasurer
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor

REFUND_FAILS_LATER = "4000000000005126"

pytestmark = [pytest.mark.fault("F25"), pytest.mark.dates]


def failed_later(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, str]:
    """Settle a missed goal whose refund comes back days later; give the refund's page."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 50_00, tip=2_00, card=REFUND_FAILS_LATER)
    moment.advance(days=21)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    moment.advance(days=10)
    make.work()
    failed = db.session.scalars(sa.select(Refund)).one()
    assert failed.status is RefundStatus.FAILED
    return campaign, f"/treasury/refunds/{failed.public_id}"


def receipt(client: Visitor, make: Make) -> str:
    """Read the one backer's receipt."""
    backer = db.session.scalars(sa.select(Pledge)).one()
    return client.get(Mailbox(make.app).link_to(backer.email, "/pledges/")).text


def test_the_money_is_owed_the_backer_asked_and_the_campaign_not_done(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)

    assert balance_of(chart.refunds_owed(campaign)) == -52_00
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert again(campaign).status is CampaignStatus.SETTLING
    mails = db.session.scalars(sa.select(OutboxMessage.template)).all()
    assert mails.count("refund_failed") == 1
    sign_in_as_treasurer(make, client)
    assert page in client.page("/treasury").xpath("//a/@href")
    assert "Votre banque nous a renvoyé votre argent." in receipt(client, make)
    check_books(sandbox)


def test_a_second_try_is_a_refund_of_its_own_and_settles(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)
    sign_in_as_treasurer(make, client)

    assert client.submit(page, form="/try-again").status_code == 200
    make.work()

    first, second = db.session.scalars(sa.select(Refund).order_by(Refund.id)).all()
    assert (first.status, first.resolution) == (RefundStatus.FAILED, Resolution.TRIED_AGAIN)
    assert (second.status, second.owed_amount) == (RefundStatus.SUCCEEDED, 52_00)
    assert refunded(sandbox) == [52_00]
    assert balance_of(chart.refunds_owed(campaign)) == 0
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)
    asked = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.REFUND_CREATE)
    client.post(f"{page}/try-again", headers={"Referer": "http://localhost"})
    make.work()
    assert db.session.scalar(asked) == 2


def test_a_second_try_that_fails_too_takes_the_first_ones_place(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    client.submit(page, form="/try-again")
    make.work()

    moment.advance(days=10)
    make.work()

    second = db.session.scalars(sa.select(Refund).order_by(Refund.id.desc())).first()
    assert second is not None
    assert (second.status, second.resolution) == (RefundStatus.FAILED, None)
    assert balance_of(chart.refunds_owed(campaign)) == -52_00
    assert f"/treasury/refunds/{second.public_id}" in client.get("/treasury").text
    assert page not in client.get("/treasury").text
    check_books(sandbox)


def test_paid_from_our_bank_is_an_audited_act_that_settles(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)
    sign_in_as_treasurer(make, client)

    refused = client.submit(page, {"means": "cheque", "reference": " "}, form="/paid-by-bank")
    assert refused.status_code == 422
    paid = client.submit(page, {"means": "cheque", "reference": "Chèque 17"}, form="/paid-by-bank")
    make.work()

    assert paid.status_code == 200
    assert balance_of(chart.refunds_owed(campaign)) == 0
    assert balance_of(chart.BANK) == -52_00
    act = db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == "refund.paid_by_bank")
    ).one()
    assert (act.reason, act.details["means"]) == ("Chèque 17", "cheque")
    assert again(campaign).status is CampaignStatus.SETTLED
    mails = db.session.scalars(sa.select(OutboxMessage.template)).all()
    assert "refund_paid_by_bank" in mails
    assert "depuis notre banque" in receipt(client, make)
    check_books(sandbox)


def test_what_was_paid_by_bank_and_refunded_by_hand_and_came_back_is_owed_to_nobody(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    client.submit(page, {"means": "cheque", "reference": "Chèque 17"}, form="/paid-by-bank")
    (payment,) = db.session.scalars(sa.select(Payment)).all()
    sandbox.call_stripe("/v1/refunds", charge=payment.stripe_charge_id, amount=52_00)

    moment.advance(days=10)
    for _ in range(2):
        make.work()

    states = db.session.execute(sa.select(Refund.status, Refund.resolution).order_by(Refund.id))
    assert states.all() == [
        (RefundStatus.FAILED, Resolution.PAID_BY_BANK),
        (RefundStatus.FAILED, Resolution.NOT_DUE),
    ]
    assert balance_of(chart.refunds_owed(campaign)) == 0
    assert again(campaign).status is CampaignStatus.SETTLED
    mails = db.session.scalars(sa.select(OutboxMessage.template)).all()
    assert mails.count("refund_failed") == 1
    assert "depuis notre banque" in receipt(client, make)
    check_books(sandbox)


def test_a_part_of_it_refunded_by_hand_leaves_the_rest_owed(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, page = failed_later(make, moment, sandbox)
    (payment,) = db.session.scalars(sa.select(Payment)).all()
    sandbox.call_stripe("/v1/refunds", charge=payment.stripe_charge_id, amount=20_00)

    make.work()

    assert refunded(sandbox) == [20_00]
    states = db.session.execute(
        sa.select(Refund.amount, Refund.status, Refund.resolution).order_by(Refund.id)
    )
    assert states.all() == [
        (52_00, RefundStatus.FAILED, Resolution.TRIED_AGAIN),
        (20_00, RefundStatus.SUCCEEDED, None),
        (32_00, RefundStatus.FAILED, None),
    ]
    assert balance_of(chart.refunds_owed(campaign)) == -32_00
    check_books(sandbox)

    sign_in_as_treasurer(make, client)
    (rest,) = client.page("/treasury").xpath("//a[contains(@href, '/treasury/refunds/')]/@href")
    assert rest != page
    paid = client.submit(rest, {"means": "cheque", "reference": "Chèque 18"}, form="/paid-by-bank")
    make.work()

    assert paid.status_code == 200
    assert balance_of(chart.refunds_owed(campaign)) == 0
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)
