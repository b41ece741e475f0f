"""Mails that one may do without: said in the mail, ended by one press, and never a receipt."""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.mails import OWN_CAMPAIGNS
from campaigns.models import Campaign
from octo.accounts.erasure import erase_user
from octo.accounts.models import Membership, User
from octo.database import db, transaction
from octo.mail.delivery import compose
from octo.mail.kinds import TRANSACTIONAL, kind_of, mail_kinds, templates_of
from octo.mail.links import render_message, sign_message
from octo.mail.outbox import MessageStatus, OutboxMessage
from octo.mail.preferences import find_refused, unsubscribe
from octo.mail.rendering import LOCALES, template_names
from octo.mail.site import site_of
from octo.runtime import runtime
from octo.worker import run_due
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.octo.mail.test_senders import announced_templates, written_templates
from tests.visitor import Visitor

ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def campaign(make: Make) -> Campaign:
    return make.live_campaign(is_ready=False)


@pytest.fixture
def owner(campaign: Campaign) -> User:
    members = sa.select(User).join(Membership)
    return db.session.scalars(members.filter_by(organisation_id=campaign.organisation_id)).one()


def happen(app: Flask, campaign: Campaign, name: CampaignEvent, moment: Moment) -> None:
    with transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        record_campaign_event(session, found, name, at=moment.now())
    run_due(app)


def templates_to(app: Flask, email: str) -> list[str]:
    return [mail.template for mail in Mailbox(app).to(email)]


def newest(app: Flask, email: str) -> OutboxMessage:
    return Mailbox(app).to(email)[-1]


def header_of(app: Flask, mail: OutboxMessage) -> dict[str, str]:
    site = site_of(app, runtime().settings)
    made = compose(mail, render_message(mail, site), sender="Octo <a@b.org>", site=site)
    names = ("List-Unsubscribe", "List-Unsubscribe-Post")
    return {name: str(made[name]) for name in names if made[name]}


def link_in(app: Flask, mail: OutboxMessage) -> str:
    """Return the path of the link that a mail program posts to."""
    header = header_of(app, mail)["List-Unsubscribe"]
    assert re.fullmatch(r"<https?://\S+>", header)
    return urlsplit(header.strip("<>")).path


@pytest.fixture
def link(app: Flask, campaign: Campaign, owner: User, moment: Moment) -> str:
    """Mail the owner that the campaign is extended, and give the link by which to end that."""
    happen(app, campaign, CampaignEvent.EXTENDED, moment)
    return link_in(app, newest(app, owner.email))


def test_every_mail_says_of_which_kind_it_is_and_people_may_choose_of_each(app: Flask) -> None:
    kinds = {name: kind_of(name) for name in template_names()}

    assert set(kinds.values()) == {TRANSACTIONAL, *mail_kinds(app)}


def test_a_mail_without_a_kind_is_found() -> None:
    with pytest.raises(ValueError, match="of which kind"):
        kind_of("_layout_text")


def test_a_mail_that_one_may_do_without_is_written_by_a_mailing_alone() -> None:
    optional = {name for name in template_names() if kind_of(name) != TRANSACTIONAL}

    assert optional & written_templates() == set()
    assert optional <= announced_templates() | {"ready_to_launch"}


@pytest.mark.parametrize(
    "template",
    [
        *("pledge_confirmed", "card_saved", "card_charged", "pledge_canceled", "pledge_link"),
        *("pledge_collected", "pledge_not_collected", "pledge_refunded", "pledge_released"),
        *("refund_sent", "refund_failed", "refund_paid_by_bank", "payment_problem"),
        *("repair_reminder", "transfer_sent", "settlement_corrected", "onboarding_needed"),
        *("verify_email", "reset_password", "password_changed", "already_registered"),
    ],
)
def test_receipts_and_mails_about_money_or_security_must_arrive(template: str) -> None:
    assert kind_of(template) == TRANSACTIONAL


@pytest.mark.parametrize("locale", LOCALES)
def test_a_mail_that_one_may_do_without_says_how_to_end_it(
    app: Flask, owner: User, link: str, locale: str
) -> None:
    mail = newest(app, owner.email)
    mail.locale = locale

    header = header_of(app, mail)
    read = Mailbox(app).read(mail)

    assert header["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in read.text
    assert link in read.html


def test_a_receipt_has_no_such_link(app: Flask, make: Make) -> None:
    pledge = make.pledge(make.live_campaign())
    receipt = newest(app, pledge.email)

    assert header_of(app, receipt) == {}
    assert "/mail/unsubscribe" not in Mailbox(app).read(receipt).text


def test_a_mail_program_ends_it_in_one_request_without_signing_in(
    app: Flask, campaign: Campaign, owner: User, moment: Moment, link: str
) -> None:
    client = app.test_client()
    answer = client.post(link, data=ONE_CLICK)
    again = client.post(link, data=ONE_CLICK)

    assert (answer.status_code, again.status_code) == (HTTPStatus.OK, HTTPStatus.OK)
    assert find_refused(owner.email) == {OWN_CAMPAIGNS.name}
    happen(app, campaign, CampaignEvent.EXTENDED, moment)
    assert templates_to(app, owner.email) == ["campaign_extended"], "the first, and no second"


def test_a_program_that_follows_links_ends_nothing_and_a_reader_presses_a_button(
    app: Flask, owner: User, client: Visitor, link: str
) -> None:
    assert client.get(link).status_code == HTTPStatus.OK
    assert client.head(link).status_code == HTTPStatus.OK
    assert find_refused(owner.email) == set()

    page = client.submit(link, form=link).get_data(as_text=True)

    assert find_refused(owner.email) == {OWN_CAMPAIGNS.name}
    assert owner.email in page


def test_money_and_verdicts_are_told_whatever_was_ended(
    app: Flask, make: Make, moment: Moment, client: Visitor
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    pledge = make.pledge(campaign, 15_00)
    owner = db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=campaign.organisation_id)
    ).one()
    for email in (owner.email, pledge.email):
        for kind in mail_kinds(app):
            unsubscribe(email, kind, clock=runtime().clock)
    moment.sandbox.top_up(100_00)
    moment.advance(days=40)
    make.work()

    assert {"pledge_confirmed", "pledge_collected"} <= set(templates_to(app, pledge.email))
    assert {"campaign_succeeded", "transfer_sent"} <= set(templates_to(app, owner.email))


def test_what_must_arrive_cannot_be_refused_even_past_the_pages(app: Flask, make: Make) -> None:
    receipt = newest(app, make.pledge(make.live_campaign()).email)
    token = sign_message(receipt.public_id, secret_key=runtime().settings.secret_key)
    client = app.test_client()

    answer = client.post(f"/mail/unsubscribe/{token}", data=ONE_CLICK)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert find_refused(receipt.email) == set()


@pytest.mark.parametrize("forged", ["", "x", "msg_abc"])
def test_a_link_that_we_did_not_sign_opens_nothing(
    app: Flask, owner: User, client: Visitor, link: str, forged: str
) -> None:
    public_id = newest(app, owner.email).public_id
    place, token = link.rsplit("/", 1)

    for made_up in (f"{token}{forged}x", public_id, f"{public_id}.{forged}"):
        assert client.get(f"{place}/{made_up}").status_code == HTTPStatus.NOT_FOUND
        assert client.post(f"{place}/{made_up}").status_code == HTTPStatus.NOT_FOUND
    assert find_refused(owner.email) == set()


def test_a_mail_that_still_waits_is_not_sent_either(
    app: Flask, campaign: Campaign, owner: User, moment: Moment, link: str
) -> None:
    with transaction() as session:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.email == owner.email)
            .values(status=MessageStatus.PENDING, closed_at=None)
        )

    app.test_client().post(link, data=ONE_CLICK)

    mail = newest(app, owner.email)
    assert (mail.status, mail.last_error) == (MessageStatus.REFUSED, "unsubscribed")


def test_by_the_mailed_link_a_guest_chooses_and_chooses_again(
    app: Flask, owner: User, client: Visitor, link: str
) -> None:
    page = link.replace("unsubscribe", "preferences")
    ticked = "//input[@name='kinds' and @checked]/@value"
    assert set(client.page(page).xpath(ticked)) == set(mail_kinds(app))

    client.submit(page, {"kinds": OWN_CAMPAIGNS.name}, form=page)
    assert find_refused(owner.email) == set(mail_kinds(app)) - {OWN_CAMPAIGNS.name}
    assert client.page(page).xpath(ticked) == [OWN_CAMPAIGNS.name]


def test_the_signed_in_choose_on_a_page_of_their_own(
    app: Flask, owner: User, client: Visitor
) -> None:
    assert client.get("/mail/preferences").status_code == HTTPStatus.FOUND
    client.sign_in(owner.email, PASSWORD)
    shown = client.page("/account").xpath("//a[@href='/mail/preferences']")
    assert len(shown) == 1

    client.submit("/mail/preferences", {"kinds": "reviews"}, form="/mail/preferences")

    assert find_refused(owner.email) == {OWN_CAMPAIGNS.name}


def test_who_erases_an_account_takes_the_choice_along_and_ends_the_link(
    app: Flask, make: Make, moment: Moment, client: Visitor
) -> None:
    person = make.user("Nolwenn")
    unsubscribe(person.email, OWN_CAMPAIGNS.name, clock=moment.clock)

    erase_user(person.public_id, erasers=[], actor=person.public_id, clock=moment.clock)

    assert find_refused(person.email) == set()


def test_templates_of_a_kind_are_those_that_say_so() -> None:
    assert "campaign_extended" in templates_of(OWN_CAMPAIGNS.name)
    assert "pledge_confirmed" not in templates_of(OWN_CAMPAIGNS.name)
