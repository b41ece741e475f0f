"""``/alerts`` wakes who must be woken, and tells the rest of the world nothing."""

from datetime import timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from octo.database import db, transaction
from octo.health.feature import AlertLog
from octo.health.heartbeat import WORKER, beat
from octo.mail.outbox import enqueue
from payments.context import Context
from payments.freezes import freeze
from tests.make import Make
from tests.moment import Moment
from tests.visitor import Visitor

TOKEN: Final = "a token for tests only"
ELSEWHERE: Final = {"REMOTE_ADDR": "203.0.113.7"}


def health(client: Visitor) -> tuple[int, list[str]]:
    answer = client.get("/alerts")
    told: Any = answer.json
    return answer.status_code, [one["code"] for one in told["reasons"]]


def test_a_site_with_a_worker_is_well(make: Make, client: Visitor) -> None:
    make.work()

    answer = client.get("/alerts")

    assert (answer.status_code, answer.json) == (200, {"status": "ok", "reasons": []})
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_site_without_a_worker_is_not(make: Make, moment: Moment, client: Visitor) -> None:
    make.work()
    with transaction() as session:
        session.execute(sa.text("DELETE FROM heartbeat"))
        session.execute(
            sa.text("INSERT INTO heartbeat (name, beat_at, alive_since) VALUES (:n, :at, :at)"),
            {"n": f"{WORKER}dead", "at": "2020-01-01 00:00:00+00:00"},
        )

    assert health(client) == (503, ["worker_not_seen"])
    moment.advance(days=45)  # business time moves, a beat is machine time
    make.work()
    assert health(client) == (200, [])


def test_what_a_person_must_look_at_takes_no_site_out_of_service(
    make: Make, client: Visitor
) -> None:
    campaign = make.live_campaign()
    make.work()
    with transaction() as session:
        context = Context.read(make.app.extensions["octo.runtime"].settings, make.moment.clock)
        freeze(session, campaign.id, reason="to be looked at", context=context)

    assert health(client) == (503, ["campaign_frozen"])
    state = client.get("/healthz")
    told: Any = state.json
    assert (state.status_code, told["status"]) == (200, "ok")
    assert [one["code"] for one in told["reasons"]] == ["campaign_frozen"]
    assert client.get("/livez").status_code == 200


def test_a_site_whose_database_is_gone_lives_and_serves_nothing(
    client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> bool:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("octo.schema.is_behind", gone)

    codes = {path: client.get(path).status_code for path in ("/livez", "/healthz", "/alerts")}

    assert codes == {"/livez": 200, "/healthz": 503, "/alerts": 503}


@pytest.mark.both_engines
def test_a_worker_that_comes_back_is_alive_since_then(app: Flask, moment: Moment) -> None:
    machine = moment.clock.machine_now()
    for ago in (600, 540, 10, 0):
        with transaction() as session:
            beat(session, "stripe", at=machine - timedelta(seconds=ago))

    since = db.session.execute(sa.text("SELECT alive_since FROM heartbeat")).scalar_one()

    assert str(since)[:19] == str(machine - timedelta(seconds=10))[:19]


@pytest.mark.parametrize(
    ("revision", "expected"), [("0001", ["schema_behind"]), ("9999", []), (None, ["schema_behind"])]
)
def test_a_schema_too_old_is_named_and_a_newer_one_harms_nobody(
    make: Make, client: Visitor, revision: str | None, expected: list[str]
) -> None:
    make.work()
    with db.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(sa.text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})

    assert health(client) == (503 if expected else 200, expected)


def test_a_database_that_is_away_is_the_one_reason(make: Make, client: Visitor) -> None:
    make.work()

    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("planted"))

    sa.event.listen(db.engine, "before_cursor_execute", refuse)
    try:
        seen = health(client)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", refuse)

    assert seen == (503, ["database_away"])


@pytest.mark.parametrize(
    "proxy",
    [
        {},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=::1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_figures_and_reasons_are_for_this_machine_alone(
    make: Make, client: Visitor, proxy: dict[str, str]
) -> None:
    make.work()
    address = {} if proxy else ELSEWHERE

    states = [
        client.get(path, headers=proxy, environ_base=address)
        for path in ("/livez", "/healthz", "/alerts")
    ]
    figures = client.get("/metrics", headers=proxy, environ_base=address)

    assert [state.json for state in states] == [{"status": "ok"}] * 3
    assert figures.status_code == 403
    assert client.get("/metrics").status_code == 200


def test_with_a_token_figures_are_read_from_anywhere_and_only_with_it(
    environ: dict[str, str], make: Make, client: Visitor
) -> None:
    assert client.get("/metrics").status_code == 403
    for given, status in ((TOKEN, 200), ("another token", 403), ("", 403)):
        answer = client.get(
            "/metrics", headers={"Authorization": f"Bearer {given}"}, environ_base=ELSEWHERE
        )
        assert answer.status_code == status


def test_a_site_for_others_shows_figures_to_no_proxy_that_says_nothing(client: Visitor) -> None:
    assert client.get("/metrics").status_code == 403


@pytest.fixture
def environ(request: pytest.FixtureRequest, environ: dict[str, str]) -> dict[str, str]:
    """Set a token, or an address for others, for the one test that is about it."""
    about = request.node.name
    if "token" in about:
        return {**environ, "OCTO_METRICS_TOKEN": TOKEN}
    return {**environ, "OCTO_BASE_URL": "https://octo.example"} if "others" in about else environ


def test_an_alert_is_logged_when_it_begins_and_when_it_ends(
    app: Flask, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AlertLog(app)

    for _ in range(3):
        log.run()
    begun = capsys.readouterr().err
    make.work()
    log.run()
    ended = capsys.readouterr().err

    assert begun.count("worker_not_seen") == 1
    assert "alert_over" in ended


def test_mails_that_wait_are_counted_and_nobody_is_named(make: Make, client: Visitor) -> None:
    make.work()
    with transaction() as session:
        at = make.moment.clock.now()
        enqueue(
            session,
            to="lea.riou@example.org",
            locale="fr",
            template="password_changed",
            context={"name": "Léa Riou"},
            at=at,
        )

    text = client.get("/metrics").text

    assert 'octo_outbox_messages{state="waiting"} 1.0' in text
    assert "octo_workers 1.0" in text
    assert not {"lea.riou", "Léa", "example.org"} & set(text.replace("@", " ").split())
