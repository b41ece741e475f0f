"""A refund after the settlement: a credit note, and the owner is paid that much less or owes it."""

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.database import db
from payments.accounting import chart
from payments.models import Document
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    again,
    balance_of,
    check_books,
    debt_left,
    documented_net,
    documents,
    refunded,
    sent_to_owner,
    sign_in_as_treasurer,
    tick,
    transfers,
)
from tests.visitor import Visitor
from treasury.statements import statement

pytestmark = pytest.mark.dates


def settled(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, list[Pledge]]:
    """Issue the settlement of a campaign of 133.33, and plan no transfer yet."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    pledges = [
        make.pledge(campaign, 80_00, tip=3_00, card=AVAILABLE_AT_ONCE),
        make.pledge(campaign, 53_33, card=AVAILABLE_AT_ONCE),
    ]
    moment.advance(days=21)
    tick(make, "close_campaigns")
    return campaign, pledges


def give_back(client: Visitor, make: Make, pledge: Pledge, amount: str) -> None:
    payment = make.payment(pledge)
    page = f"/treasury/campaigns/{payment.campaign.public_id}"
    field = {"amount": amount}
    answer = client.submit(page, field, form=f"/payments/{payment.public_id}/refunds")
    assert answer.status_code == 200


def verified(app: Flask) -> list[str]:
    """Return what ``flask demo verify`` finds wrong in Stripe's own lists."""
    db.session.rollback()
    result = app.test_cli_runner().invoke(args=["demo", "verify", "--json"])
    problems: list[str] = json.loads(result.output)["problems"]
    return problems


def test_before_the_transfer_the_documents_are_netted_in_it(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, (first, second) = settled(make, moment, sandbox)
    sign_in_as_treasurer(make, client)

    give_back(client, make, first, "33,33")
    give_back(client, make, second, "0,01")
    make.work()

    assert documents(campaign) == [
        ("main", 133_33, 122_13),
        ("credit_note", 33_33, 30_53),  # fees 9.33 - 7.00, VAT 1.87 - 1.40
        ("credit_note", 1, 1),
    ]
    base = 133_33 - 33_33 - 1
    assert documented_net(campaign) == base - 7_00 - 1_40
    assert transfers(campaign) == [("succeeded", documented_net(campaign))]
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign)
    assert refunded(sandbox) == [1, 33_33]
    assert balance_of(chart.PLATFORM_FEES) == -7_00
    assert again(campaign).status is CampaignStatus.SETTLED
    assert verified(app) == []
    numbers = db.session.scalars(sa.select(Document.number).order_by(Document.id)).all()
    assert [number[0] + number[-5:] for number in numbers] == ["R-0001", "A-0001", "A-0002"]
    check_books(sandbox)

    sandbox.call_stripe(
        "/v1/transfers",
        amount=1,
        currency="eur",
        transfer_group=campaign.public_id,
        destination=make.stripe_account(campaign.organisation),
    )
    assert len(verified(app)) == 1


def test_what_credit_notes_took_back_one_by_one_is_voided_by_the_last(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, (first, second) = settled(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    give_back(client, make, first, "83")
    give_back(client, make, second, "53,33")

    page = f"/treasury/campaigns/{campaign.public_id}/refund-all"
    assert client.submit(page, {"reason": "La structure est dissoute"}).status_code == 200

    main, _, last = db.session.scalars(sa.select(Document).order_by(Document.id))
    assert (main.voided_by_id, last.voided_by_id) == (last.id, None)
    assert documented_net(campaign) == 0
    make.work()
    assert refunded(sandbox) == [53_33, 83_00]
    check_books(sandbox)


def test_after_the_transfer_the_owner_owes_it_and_the_statement_says_so(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, (first, _) = settled(make, moment, sandbox)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    sign_in_as_treasurer(make, client)

    give_back(client, make, first, "83")
    make.work()

    assert documents(campaign)[1:] == [("credit_note", 80_00, 73_28)]
    assert debt_left(campaign) == 73_28
    assert sent_to_owner(sandbox, campaign) - documented_net(campaign) == 73_28
    assert balance_of(chart.TIPS) == 0
    assert again(campaign).status is CampaignStatus.SETTLED
    totals = statement.read_totals(campaign.id)
    moved = [
        one["amount"]
        for one in sandbox.every("/v1/balance_transactions")
        if one["type"] in {"charge", "refund", "transfer"}
    ]
    assert totals.stripe_amount == sum(moved)
    assert totals.change_amount == -73_28  # what the owner owes
    number = db.session.scalars(sa.select(Document.number).order_by(Document.id.desc())).first()
    page = client.get(f"/treasury/settlements/{number}").text
    assert "73,28" in page
    assert f"{number}" in client.get(f"/treasury/campaigns/{campaign.public_id}").text
    check_books(sandbox)


@pytest.mark.parametrize("amount", ["83,01", "0"])
def test_no_more_than_is_left_goes_back_and_no_document_is_issued(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient, amount: str
) -> None:
    campaign, (first, _) = settled(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    payment = make.payment(first)

    answer = client.submit(
        f"/treasury/campaigns/{campaign.public_id}",
        {"amount": amount},
        form=f"/payments/{payment.public_id}/refunds",
    )

    assert answer.status_code in {409, 422}
    assert [kind for kind, *_ in documents(campaign)] == ["main"]
    assert refunded(sandbox) == []
