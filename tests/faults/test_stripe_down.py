"""F7: Stripe is wholly down over a deadline; pledging says so, money waits, nothing storms back."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import stripe
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge
from demo.supervision import ROOT
from octo.accounts.models import RoleName
from octo.audit import AuditEvent
from octo.database import db, transaction
from octo.mail.outbox import OutboxMessage
from payments.accounting.check import check_ledger
from payments.models import Attempt, AttemptStatus
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.processes import wait_until
from tests.visitor import Visitor, parse, refresh

FOR_EVER: Final = 0
RESUMES_WITHIN: Final = timedelta(minutes=30)

pytestmark = pytest.mark.fault("F7")


@pytest.fixture(autouse=True)
def _sdk_retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the seconds that the SDK sleeps between its own tries of a reading."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.01)


def again(campaign: Campaign) -> Campaign:
    refresh()
    return db.session.get_one(Campaign, campaign.id)


def take_stripe_down(sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/*", action="drop_before", times=FOR_EVER)
    sandbox.fault(path="/v2/*", action="drop_before", times=FOR_EVER)


def calls_made(sandbox: SandboxClient) -> int:
    return sum(rule["calls"] for rule in sandbox.get("/_sandbox/faults")["faults"])


def test_pledging_answers_503_and_the_form_comes_back_filled(
    make: Make, sandbox: SandboxClient, client: Visitor
) -> None:
    campaign = make.live_campaign()
    path = f"/campaigns/{campaign.slug}/pledge"
    wish = {"amount": "37,50", "tip": "2", "email": "lea@example.org", "message": "Bon vent !"}
    take_stripe_down(sandbox)

    client.submit(path, wish)
    first = parse(client.submit(path, wish)).forms[-1]
    refused = client.post(path, data={**dict(first.form_values()), "agreed": "1"})

    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    form = next(form for form in parse(refused).forms if form.action.endswith(path))
    kept = {name: value.strip() for name, value in form.form_values()}
    assert {name: kept[name] for name in wish} == wish
    assert "ne répond pas" in refused.text

    sandbox.clear_faults()
    sums = parse(client.post(path, data=kept)).forms[-1]
    paying = client.post(path, data={**dict(sums.form_values()), "agreed": "1"})
    finish(make)

    assert paying.status_code == 303
    assert paying.location.startswith(sandbox.url)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pledge)) == 1
    assert len(sandbox.every("/v1/checkout/sessions")) == 1


def test_a_deadline_in_an_outage_waits_and_then_settles_each_once(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for _ in range(3):
        make.pledge(campaign, 15_00)
    moment.advance(days=20, seconds=-600)
    make.open_checkout(make.pending_pledge(campaign, 20_00))
    make.work()
    take_stripe_down(sandbox)
    moment.advance(hours=1)

    due = make.work()

    assert any(line.startswith(f"{campaign.slug}: ") for line in due.waiting)
    assert again(campaign).status is CampaignStatus.CLOSING
    sandbox.clear_faults()
    finish(make)
    assert again(campaign).status is CampaignStatus.SETTLED
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [15_00] * 3
    assert check_ledger(db.session()).faults == ()


def test_what_an_hour_of_outage_left_unknown_is_asked_again_within_half_an_hour(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for _ in range(12):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_before", times=FOR_EVER)
    make.work()
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.closed_at.is_(None))):
            assert attempt.first_sent_at is not None
            attempt.first_sent_at -= timedelta(hours=1)
            attempt.not_before -= timedelta(hours=1)
    make.work()

    refresh()
    machine = moment.clock.machine_now()
    unknown = db.session.scalars(
        sa.select(Attempt.not_before).where(Attempt.status == AttemptStatus.UNKNOWN)
    ).all()
    assert len(unknown) == 12
    assert max(unknown) - machine < RESUMES_WITHIN
    assert len({instant.replace(microsecond=0) for instant in unknown}) > 3, "all at once"


@pytest.mark.slow
def test_a_worker_leaves_a_silent_stripe_ever_more_alone(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    for _ in range(5):
        campaign = make.live_campaign(goal=1_000_00, days=20)
        make.pledge(campaign, 10_00)
    make.work()
    take_stripe_down(sandbox)
    moment.advance(days=21)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]

    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:
        wait_until(lambda: calls_made(sandbox) > 0)
        time.sleep(2)
        early = calls_made(sandbox)
        time.sleep(4)
        late = calls_made(sandbox) - early
        worker.send_signal(signal.SIGTERM)

    assert late < 2 * early, "twice as long, and not twice as many"


def test_an_outage_gives_a_campaign_its_time_back_for_all_to_see(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=30_00, days=20)
    make.pledge(campaign, 20_00)
    moment.advance(days=20, seconds=-600)
    make.open_checkout(make.pending_pledge(campaign, 10_00))
    make.work()
    take_stripe_down(sandbox)
    moment.advance(hours=1)
    make.work()
    assert again(campaign).status is CampaignStatus.CLOSING
    zone = ZoneInfo(campaign.time_zone)
    until = (moment.now() + timedelta(hours=20)).astimezone(zone)
    until = until.replace(
        second=0, microsecond=0, fold=0
    )  # as it is read where it is written twice

    def extend(written: str) -> tuple[int, str]:
        ran = app.test_cli_runner().invoke(
            args=[
                *("campaign", "extend-for-outage", campaign.slug),
                *("--until", written, "--reason", "Stripe ne répondait plus."),
            ]
        )
        refresh()
        return ran.exit_code, ran.output

    assert extend("tomorrow")[0] == 2
    assert extend(f"{until + timedelta(days=4):%Y-%m-%d %H:%M}")[0] == 1
    code, said = extend(f"{until:%Y-%m-%d %H:%M}")

    assert (code, again(campaign).status) == (0, CampaignStatus.LIVE)
    assert again(campaign).deadline_at == until
    assert f"{until:%Y-%m-%d %H:%M}" in said
    page = client.page(f"/campaigns/{campaign.slug}").text_content()
    assert "Prolongée" in page
    assert "Stripe ne répondait plus." in page
    make.work()
    mailed = sa.select(OutboxMessage.template).order_by(OutboxMessage.id.desc()).limit(1)
    assert db.session.scalar(mailed) == "campaign_extended_for_outage"
    act = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert act is not None
    assert (act.action, act.actor) == ("campaign.extended_for_outage", "command")

    sandbox.clear_faults()
    make.pledge(campaign, 15_00)
    moment.advance(days=10)
    finish(make)
    assert again(campaign).outcome is Outcome.SUCCEEDED
    assert extend(f"{until + timedelta(hours=1):%Y-%m-%d %H:%M}")[0] == 1
    assert check_ledger(db.session()).faults == ()


def test_a_moderator_gives_time_back_on_a_page_and_nobody_else_may(
    make: Make, moment: Moment, client: Visitor
) -> None:
    campaign = make.live_campaign(goal=30_00, days=20)
    path = f"/moderation/{campaign.public_id}/extend"
    assert campaign.deadline_at is not None
    until = campaign.deadline_at.astimezone(ZoneInfo("Europe/Paris")) + timedelta(hours=24)
    written = {"until": f"{until:%Y-%m-%dT%H:%M}", "reason": "La banque était en panne."}
    client.sign_in(make.user(roles=(RoleName.TREASURER,)).email, PASSWORD)
    assert client.get(path).status_code == 403
    other = client.application.test_client()
    assert isinstance(other, Visitor)
    other.sign_in(make.user(roles=(RoleName.MODERATOR,)).email, PASSWORD)

    refused = other.submit(path, {**written, "reason": ""}, form="/extend")
    accepted = other.submit(path, written, form="/extend")

    assert refused.status_code == 422
    assert written["until"] in refused.text
    assert "prolongée après une panne" in accepted.text
    assert again(campaign).deadline_at == until.replace(second=0)
    assert again(campaign).extended_at is None
