"""A treasurer's program after the verdict: what is owed, and what is done about it."""

import sqlalchemy as sa
from flask import Flask

from octo.accounts.models import RoleName
from octo.audit import AuditEvent
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    check_books,
    contest,
    debt_left,
    refunded,
    sent_to_owner,
)
from tests.program import Program

REFUND_FAILS_LATER = "4000000000005126"
WHY = {"reason": "Vu avec la structure"}


def treasurer_of(app: Flask, make: Make) -> Program:
    return Program(app).sign_in(make.user(roles=(RoleName.TREASURER,)).email)


def test_a_debt_is_read_recovered_in_part_and_written_off(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    contested = make.pledge(campaign, 80_00, card=AVAILABLE_AT_ONCE)
    make.pledge(campaign, 53_33, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)
    make.work()
    contest(sandbox, make.payment(contested).stripe_charge_id)
    make.work()
    program = treasurer_of(app, make)
    at = f"/treasury/campaigns/{campaign.public_id}"

    owed = program.get("/treasury/debts")["items"]
    read = program.get(f"{at}/aftermath")
    too_much = {**WHY, "amount": owed[0]["left_amount"] + 1}

    assert [one["campaign"] for one in owed] == [campaign.public_id]
    assert [one["kind"] for one in read["documents"]] == ["main", "credit_note"]
    assert program.code("POST", f"{at}/debt/recovery", too_much, "too-much") == "422 invalid"
    fifty = {**WHY, "amount": 50_00}
    asked = [program.post(f"{at}/debt/recovery", fifty, key="fifty-of-it") for _ in range(2)]
    for one in asked:
        assert [(it["amount"], it["status"]) for it in one["reversals"]] == [(50_00, "pending")]
    other = program.code("POST", f"{at}/debt/recovery", {**WHY, "amount": 20_00}, "fifty-of-it")
    assert other == "409 action_reused"
    assert program.code("POST", f"{at}/debt/recovery", fifty) == "422 invalid"
    make.work()
    assert sent_to_owner(sandbox, campaign) == 122_13 - 50_00
    given_up = program.post(f"{at}/debt/write-off", WHY)
    assert (given_up["debt"]["left_amount"], debt_left(campaign)) == (0, 0)
    assert program.code("POST", f"{at}/debt/write-off", WHY) == "409 no_debt"
    check_books(sandbox)


def test_a_refund_that_failed_is_tried_again_or_paid_by_bank(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for amount in (15_00, 25_00):
        make.pledge(campaign, amount, card=REFUND_FAILS_LATER)
    moment.advance(days=21)
    make.work()
    moment.advance(days=3)
    make.work()
    program = treasurer_of(app, make)
    failed = {one["amount"]: one["id"] for one in program.get("/treasury/refunds")["items"]}

    by_bank = {"means": "bank_transfer", "reference": "VIR RIOU"}
    paid = program.post(f"/treasury/refunds/{failed[15_00]}/bank-payment", by_bank)
    again = program.post(f"/treasury/refunds/{failed[25_00]}/second-try", WHY)

    assert paid["resolution"] == "paid_by_bank"
    assert (again["amount"], again["status"]) == (25_00, "pending")
    twice = program.code("POST", f"/treasury/refunds/{failed[15_00]}/second-try", WHY)
    assert twice == "409 conflict"
    acts = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert [act for act in acts if act.startswith("refund.")] == [
        "refund.paid_by_bank",
        "refund.tried_again",
    ]
    check_books(sandbox)


def test_a_success_that_cannot_be_paid_is_given_back_whole(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20, is_ready=False)
    make.pledge(campaign, 100_00, tip=3_00)
    moment.advance(days=21)
    make.work()
    program = treasurer_of(app, make)
    at = f"/treasury/campaigns/{campaign.public_id}"
    assert program.get(f"{at}/aftermath")["last_day"] is not None

    given = program.post(f"{at}/refund-all", WHY)
    make.work()

    assert [one["kind"] for one in given["documents"]] == ["main", "credit_note"]
    assert refunded(sandbox) == [103_00]
    assert program.code("POST", f"{at}/refund-all", WHY) == "409 conflict"
    check_books(sandbox)
