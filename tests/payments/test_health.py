"""What an operator sees of the money, and when somebody is woken for it."""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from octo.accounts.models import RoleName
from octo.database import transaction
from payments.gateway.runtime import payments_runtime
from payments.models import (
    Attempt,
    BooksState,
    Discrepancy,
    InboxEvent,
    Reconciliation,
)
from payments.owners.onboarding import refresh_owner
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.visitor import Visitor

AVAILABLE_AT_ONCE: Final = "4000000000000077"
FOR_EVER: Final = 0


def figures(client: Visitor) -> dict[tuple[str, ...], float]:
    """Return every figure by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def reasons(client: Visitor) -> list[str]:
    told: Any = client.get("/alerts").json
    return [one["code"] for one in told["reasons"]]


def run_once(app: Flask) -> tuple[int, str]:
    ran = app.test_cli_runner().invoke(args=["worker", "--once"])
    return ran.exit_code, ran.output


def age(**ago: float) -> None:
    """Make the open calls, and what is known of Stripe, older than they are."""
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.closed_at.is_(None))):
            assert attempt.first_sent_at is not None
            attempt.first_sent_at -= timedelta(**ago)
            attempt.not_before -= timedelta(**ago)
        session.execute(sa.text("DELETE FROM heartbeat WHERE name = 'stripe'"))


def stripe_answers_since(minutes: int) -> None:
    with transaction() as session:
        at = payments_runtime().clock.machine_now()
        session.execute(sa.text("DELETE FROM heartbeat WHERE name = 'stripe'"))
        session.execute(
            sa.text("INSERT INTO heartbeat (name, beat_at, alive_since) VALUES ('stripe', :a, :s)"),
            {"a": str(at), "s": str(at - timedelta(minutes=minutes))},
        )


def test_the_figures_follow_a_deadline_night(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    sandbox.top_up(100_00)
    failed = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(failed, 15_00, tip=1_00)  # Stripe keeps 0.49
    make.work()
    before = figures(client)
    moment.advance(days=21)
    due = figures(client)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_before", times=FOR_EVER)
    make.work()
    unknown = figures(client)
    code, said = run_once(app)
    sandbox.clear_faults()
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.closed_at.is_(None))):
            attempt.not_before -= timedelta(minutes=5)
    assert run_once(app)[0] == 0
    settled = figures(client)

    assert before["octo_cover_minor_units", "EUR"] == 100_00 - 49
    assert before["octo_work_due", "close"] == 0
    assert due["octo_work_due", "close"] == 1
    assert unknown["octo_attempts", "refund_create", "unknown"] == 1
    assert unknown["octo_refunds", "pending"] == 1
    assert unknown["octo_work_due", "settle"] == 1
    assert unknown["octo_unknown_oldest_seconds",] >= 0
    assert code == 3
    assert f"{failed.slug}: 1 refunds have no answer yet and are left alone until 20" in said
    assert f"{failed.slug}: 1 refunds have not arrived" in said
    assert settled["octo_attempts", "refund_create", "done"] == 1
    assert settled["octo_refunds", "pending"] == 0
    assert settled["octo_cover_minor_units", "EUR"] == 100_00 - 49
    assert settled["octo_stripe_answers",] == 1


def test_a_call_in_doubt_wakes_somebody_once_stripe_has_answered_for_five_minutes(
    make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    sandbox.top_up(100_00)
    make.pledge(make.live_campaign(goal=1_000_00, days=20), 15_00)
    moment.advance(days=21)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_after", times=FOR_EVER)
    make.work()
    age(minutes=6)

    assert reasons(client) == []  # nobody has heard of Stripe since
    stripe_answers_since(minutes=4)
    assert reasons(client) == []
    stripe_answers_since(minutes=6)
    assert reasons(client) == ["outcome_unknown"]
    treasurer = make.user(roles=(RoleName.TREASURER,))
    client.sign_in(treasurer.email, PASSWORD)
    assert "on ignore depuis cinq minutes" in client.get("/treasury").text

    sandbox.clear_faults()
    make.work()
    stripe_answers_since(minutes=9)
    assert reasons(client) == []


def test_what_stops_money_wakes_somebody_and_is_said_once_in_plain_words(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    paid = make.live_campaign(goal=10_00, days=20)
    moment.advance(days=18)
    make.pledge(paid, 10_00)
    frozen = make.live_campaign(goal=1_000_00, days=2)
    make.pledge(frozen, 500_00, card=AVAILABLE_AT_ONCE)
    unready = make.live_campaign(goal=10_00, days=2)
    make.pledge(unready, 20_00, card=AVAILABLE_AT_ONCE)
    closing = make.live_campaign(goal=10_00, days=2)
    make.work()
    runtime = payments_runtime()
    sandbox.restrict(make.stripe_account(unready.organisation))
    refresh_owner(unready.organisation_id, gateway=runtime.gateway, clock=runtime.clock)
    moment.advance(days=2, seconds=-300)
    make.open_checkout(make.pending_pledge(closing, 10_00))
    moment.advance(seconds=310)
    sandbox.fault(
        method="POST", path="/v1/refunds", action="error_before", status=400, saved=True, times=1
    )
    sandbox.fault(
        method="POST", path="/v1/checkout/sessions/*/expire", action="drop_before", times=FOR_EVER
    )
    make.work()
    with transaction() as session:
        session.add(
            Discrepancy(kind="missing_here", subject="txn_1", details={}, found_at=moment.now())
        )
        session.add(
            InboxEvent(
                stripe_event_id="evt_1",
                type="payment_intent.succeeded",
                object_id="pi_stranger",
                payload={},
                received_at=runtime.clock.machine_now(),
                not_before=runtime.clock.machine_now(),
            )
        )

    code, said = run_once(app)

    lines = [line for line in said.splitlines() if line.startswith("waits: ")]
    assert code == 3
    assert len(lines) == len(set(lines))
    told = {line.split(": ")[1]: line.split(": ", 2)[2] for line in lines}
    assert told[frozen.slug] == "its money is frozen until a treasurer has looked"
    assert told[unready.slug] == "the transfer waits for the owner to finish with Stripe"
    assert told[paid.slug].startswith("the transfer waits for the funds to be available until 20")
    assert told["the inbox"].startswith("1 events about objects not known here are parked until")
    assert "checkouts to close have no answer yet" in said
    assert set(reasons(client)) == {"campaign_frozen", "books_differ", "cover_below_zero"}
    moment.advance(hours=2)
    assert "verdict_late" in reasons(client)
    seen = figures(client)
    assert seen["octo_campaigns_frozen",] == 1
    assert seen["octo_discrepancies_open",] == 1
    assert seen["octo_inbox_events", "parked"] == 1
    assert seen["octo_alerts", "campaign_frozen"] == 1
    assert seen["octo_cover_minor_units", "EUR"] < 0


def test_books_older_than_stripe_wake_somebody_and_spoil_a_rehearsal(
    app: Flask, make: Make, client: Visitor
) -> None:
    make.work()
    assert reasons(client) == []
    assert app.test_cli_runner().invoke(args=["settle", "--rehearse"]).exit_code == 0

    with transaction() as session:
        session.execute(sa.update(Reconciliation).values(state=BooksState.BEHIND_STRIPE))

    assert reasons(client) == ["database_behind_stripe"]
    assert app.test_cli_runner().invoke(args=["settle", "--rehearse"]).exit_code == 1
