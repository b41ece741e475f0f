"""What the site's own services put in their mails is all that the mails need."""

import ast
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from octo.config import ROOT
from octo.database import db
from octo.mail.outbox import OutboxMessage
from octo.mail.rendering import template_names
from tests.make import Make
from tests.moment import Moment
from tests.octo.mailbox import Mailbox

SENDERS = ("tell_owner", "tell_moderators")


def texts_in(value: ast.expr) -> Iterator[str]:
    """Find a text, or both texts of a choice between two."""
    match value:
        case ast.Constant():
            yield str(value.value)
        case ast.IfExp():
            yield from (*texts_in(value.body), *texts_in(value.orelse))


def named_templates(path: Path) -> Iterator[str]:
    """Find the templates that a module names where it writes a mail."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg == "template":
                yield from texts_in(keyword.value)
        if isinstance(node.func, ast.Name) and node.func.id in SENDERS:
            for argument in node.args:
                yield from texts_in(argument)


def test_every_mail_named_by_a_service_exists() -> None:
    named = {
        name
        for package in ("campaigns", "payments")
        for path in (ROOT / package).rglob("*.py")
        for name in named_templates(path)
    }

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
