"""What the site's own services put in their mails is all that the mails need."""

import ast
from collections.abc import Iterator

import sqlalchemy as sa
from flask import Flask

from octo.config import ROOT
from octo.database import db
from octo.mail.outbox import OutboxMessage
from octo.mail.rendering import template_names
from tests.make import Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox

WRITER = "tell_owner"
ANNOUNCER = "Announcement"


def texts_in(value: ast.expr) -> Iterator[str]:
    """Find a text, or both texts of a choice between two."""
    match value:
        case ast.Constant():
            yield str(value.value)
        case ast.IfExp():
            yield from (*texts_in(value.body), *texts_in(value.orelse))


def calls_in_services() -> Iterator[ast.Call]:
    for package in ("octo", "campaigns", "payments"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield node


def named_in_calls_of(name: str) -> set[str]:
    return {
        text
        for call in calls_in_services()
        if isinstance(call.func, ast.Name) and call.func.id == name
        for argument in call.args
        for text in texts_in(argument)
    }


def announced_templates() -> set[str]:
    """Find the mails that are told to an audience."""
    return named_in_calls_of(ANNOUNCER)


def written_templates() -> set[str]:
    """Find the mails that services write themselves."""
    by_keyword = {
        text
        for call in calls_in_services()
        for keyword in call.keywords
        if keyword.arg == "template"
        for text in texts_in(keyword.value)
    }
    return by_keyword | named_in_calls_of(WRITER)


def test_every_mail_named_by_a_service_exists() -> None:
    named = written_templates() | announced_templates()

    assert {"pledge_confirmed", "card_saved", "campaign_submitted"} <= named
    assert named <= set(template_names())


def test_every_mail_of_a_success_and_of_a_failure_can_be_read(
    app: Flask, make: Make, moment: Moment
) -> None:
    for goal in (50_00, 5_000_00):
        campaign = make.live_campaign(goal=goal)
        make.pledge(campaign, amount=60_00)
    moment.advance(days=80)
    make.work()

    mails = list(db.session.scalars(sa.select(OutboxMessage)))
    read = {mail.template: Mailbox(app).read(mail).subject for mail in mails}

    assert {"pledge_confirmed", "campaign_succeeded", "campaign_failed"} <= set(read)
    assert all(read.values())
