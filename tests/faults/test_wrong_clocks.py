"""F15: clocks that differ, step back, or are moved by weeks: the database's time decides."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from itsdangerous import SignatureExpired
from sqlalchemy import event

from campaigns.models import Campaign, CampaignStatus, Outcome, PledgeStatus
from octo.clock import real_now
from octo.database import db, transaction
from octo.web.signing import CLOCKS_DIFFER_SECONDS, ForbearingSigner
from payments.gateway.attempts import claim_again
from payments.models import Attempt, AttemptKind, AttemptStatus, Refund
from stripe_sandbox.client import SandboxClient
from tests.doomed import doomed_worker
from tests.faults.finishing import agreed_pledge, finish
from tests.faults.judging import (
    asked,
    check_conserved,
    check_given_back_once,
    ended,
    is_over,
    keys_of,
)
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE
from tests.octo.mail.mailbox import Mailbox
from tests.processes import wait_until
from tests.visitor import Visitor, refresh

SKEW: Final = timedelta(minutes=5)
EARLY_SECONDS: Final = 1
FOR_EVER: Final = 0

pytestmark = [pytest.mark.fault("F15"), pytest.mark.both_engines]


def status_of(campaign: Campaign) -> CampaignStatus:
    refresh()
    return db.session.get_one(Campaign, campaign.id).status


@pytest.mark.slow
def test_machines_whose_clocks_are_wrong_close_at_the_deadline_of_the_database(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    assert campaign.deadline_at is not None
    moment.advance_to(campaign.deadline_at - timedelta(minutes=4))
    with time_machine.travel(real_now() + SKEW):
        in_time = make.pledge(campaign, 20_00)

    with contextlib.ExitStack() as stack:
        for skew in (SKEW, -SKEW):
            stack.enter_context(doomed_worker(environ, skew=skew))
        moment.advance_to(campaign.deadline_at - timedelta(seconds=4))
        left = (campaign.deadline_at - moment.now()).total_seconds()
        looked_at = time.monotonic()
        wait_until(lambda: status_of(campaign) is not CampaignStatus.LIVE)
        assert time.monotonic() - looked_at >= left - EARLY_SECONDS
        wait_until(lambda: is_over(campaign))

    assert in_time.status is PledgeStatus.REFUNDED
    check_given_back_once(sandbox, campaign)
    check_conserved(sandbox)


def hold_back(moment: Moment) -> None:
    """Have every outcome that is unknown wait for a quarter of an hour."""
    later = moment.clock.machine_now() + timedelta(minutes=15)
    unknown = sa.update(Attempt).where(Attempt.status == AttemptStatus.UNKNOWN)
    with transaction() as session:
        assert session.execute(unknown.values(not_before=later).returning(Attempt.id)).all()


@contextmanager
def stepped_back(seconds: int) -> Iterator[None]:
    """Have the database's own clock wrong while the body lasts."""
    engine = db.engine
    if engine.dialect.name == "sqlite":

        def on_connect(connection: Any, _record: object) -> None:
            def strftime(form: str, _when: str) -> str:
                now = datetime.now(UTC) - timedelta(seconds=seconds)
                return f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}"

            connection.create_function("strftime", 2, strftime)

        refresh()
        engine.dispose()
        event.listen(engine, "connect", on_connect)
        yield
        refresh()
        event.remove(engine, "connect", on_connect)
        engine.dispose()
        return
    name = engine.url.database
    with transaction() as session:
        session.execute(
            sa.text(
                "CREATE FUNCTION clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS"
                f" $$ SELECT pg_catalog.clock_timestamp() - interval '{seconds} s' $$"
            )
        )
        session.execute(sa.text(f"ALTER DATABASE {name} SET search_path = public, pg_catalog"))
    engine.dispose()
    yield
    with transaction() as session:
        session.execute(sa.text(f"ALTER DATABASE {name} RESET search_path"))
        session.execute(sa.text("DROP FUNCTION public.clock_timestamp()"))
    engine.dispose()


def test_a_database_clock_that_steps_back_repeats_nothing_and_is_early_for_nothing(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    later = make.live_campaign(goal=10_00, days=20)
    for _ in range(3):
        make.pledge(missed, 15_00)
        make.pledge(later, 15_00)
    with transaction() as session:
        session.get_one(Campaign, later.id).deadline_at = moment.now() + timedelta(
            days=20, minutes=2
        )
    moment.advance(days=20, seconds=1)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_after", times=FOR_EVER)
    make.work()
    sandbox.clear_faults()
    hold_back(moment)
    calls = asked(sandbox, "/v1/refunds")

    with stepped_back(int(SKEW.total_seconds())):
        before = moment.now()
        make.work()
        assert asked(sandbox, "/v1/refunds") == calls, "their pause has not passed by this clock"
        assert status_of(later) is CampaignStatus.LIVE
        assert make.pledge(later, 10_00).status is PledgeStatus.ACTIVE
    assert moment.now() - before > SKEW
    moment.advance(days=10)
    finish(make)

    check_given_back_once(sandbox, missed)
    assert len(set(keys_of(sandbox, "/v1/refunds"))) == 3
    ended(later, Outcome.SUCCEEDED)
    check_conserved(sandbox)


def test_a_calendar_moved_by_weeks_ends_no_lease_session_key_or_pause(
    make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    reached = make.live_campaign(goal=10_00, days=20)
    for campaign in (missed, reached):
        make.pledge(campaign, 15_00, card=AVAILABLE_AT_ONCE)
    client.sign_in(make.user().email, PASSWORD)
    moment.advance(days=21)
    for path in ("/v1/refunds", "/v1/transfers"):
        sandbox.fault(method="POST", path=path, action="drop_after", times=FOR_EVER)
    make.work()
    sandbox.clear_faults()
    hold_back(moment)
    kind, refund = AttemptKind.REFUND_CREATE, db.session.scalars(sa.select(Refund.public_id)).one()
    with transaction() as session:
        machine = moment.clock.machine_now()
        assert claim_again(session, kind=kind, subject=refund, holder="another", at=machine)
    calls = {path: asked(sandbox, path) for path in ("/v1/refunds", "/v1/transfers")}

    moment.advance(days=45)
    make.work()

    assert {path: asked(sandbox, path) for path in calls} == calls
    assert client.get("/account").status_code == 200
    finish(make)
    assert len(set(keys_of(sandbox, "/v1/transfers"))) == 1
    assert len(sandbox.every("/v1/transfers")) == 1
    ended(reached, Outcome.SUCCEEDED)
    check_given_back_once(sandbox, missed)
    check_conserved(sandbox)


def test_what_a_machine_ahead_has_signed_is_good_at_one_behind(
    app: Flask, client: Visitor, make: Make
) -> None:
    campaign = make.live_campaign()
    person, forgetful = make.user(), make.user()
    guest = app.test_client()
    assert isinstance(guest, Visitor)
    with time_machine.travel(real_now() + SKEW):
        client.sign_in(person.email, PASSWORD)
        guest.submit("/reset", {"email": forgetful.email}, form="/reset")
        account = {"name": "Gwenaël", "email": "gwenael@example.org", "password": PASSWORD}
        guest.submit("/register", account)
        form = agreed_pledge(guest, campaign, amount="15")
    mailbox = Mailbox(app)

    with time_machine.travel(real_now() - SKEW):
        paying = guest.post(**form)
        account_page = client.get("/account")
        confirmed = guest.page(mailbox.link_to("gwenael@example.org", "/confirm/"))
        link = mailbox.link_to(forgetful.email, "/reset/")
        chosen = {"password": PASSWORD[::-1], "password_confirm": PASSWORD[::-1]}
        guest.submit(link, chosen, form=link)
        guest.sign_in(forgetful.email, PASSWORD[::-1])

    assert paying.status_code == 303
    assert account_page.status_code == 200
    assert "Votre adresse est confirmée" in confirmed.text_content()


@pytest.mark.parametrize("ahead", [1, 2 * SKEW.seconds, CLOCKS_DIFFER_SECONDS])
def test_what_is_signed_a_little_ahead_is_fresh(ahead: int) -> None:
    signer = ForbearingSigner("a key")
    with time_machine.travel(real_now() + timedelta(seconds=ahead)):
        signed = signer.sign("a session")

    assert signer.unsign(signed, max_age=60) == b"a session"


@pytest.mark.parametrize("ahead", [-120, CLOCKS_DIFFER_SECONDS + 60])
def test_what_is_signed_long_ago_or_far_ahead_is_refused(ahead: int) -> None:
    signer = ForbearingSigner("a key")
    with time_machine.travel(real_now() + timedelta(seconds=ahead)):
        signed = signer.sign("a session")

    with pytest.raises(SignatureExpired):
        signer.unsign(signed, max_age=60)
