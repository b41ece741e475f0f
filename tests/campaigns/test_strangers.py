"""Nobody who has not paid has mails written to strangers, or reads what a guest pledged."""

from typing import Any

import pytest
from flask import Flask

from campaigns.models import Campaign
from octo.accounts.models import User
from octo.mail.outbox import OutboxMessage
from tests.make import Make
from tests.octo.mail.mailbox import Mailbox
from tests.program import Program
from tests.visitor import Visitor

STRANGER = "stranger@example.org"
WORDS = "Cheap pills https://evil.example"
WISH = {"amount": 20_00, "email": STRANGER, "visibility": "anonymous", "name": WORDS}


def place(app: Flask, campaign: Campaign, wish: dict[str, Any], key: str = "a-guests-key") -> Any:
    path = f"/campaigns/{campaign.public_id}/pledges"
    return Program(app).ask("POST", path, json=wish, headers={"Idempotency-Key": key})


def mailed(app: Flask) -> list[OutboxMessage]:
    return Mailbox(app).to(STRANGER)


def test_a_pledge_that_nobody_paid_mails_nothing(app: Flask, make: Make) -> None:
    campaign = make.live_campaign()
    for number in range(5):
        placed = place(app, campaign, WISH, key=f"key-number-{number}").json
        receipt = f"/receipts/{placed['receipt_token']}"
        assert Program(app).ask("POST", f"{receipt}/cancellation").status_code == 200
        assert Program(app).ask("POST", f"{receipt}/renewal").status_code == 409
    make.work()

    assert mailed(app) == []


@pytest.mark.parametrize("sent", ["support", "sign up", "forgotten"])
def test_no_words_of_somebody_elses_are_mailed_to_an_address_before_it_is_confirmed(
    app: Flask, make: Make, client: Visitor, sent: str
) -> None:
    if sent == "support":
        entries = {"email": STRANGER, "name": WORDS, "word": WORDS}
        client.submit(f"/campaigns/{make.gathering_campaign().slug}/support", entries)
    else:
        account = {"email": STRANGER, "name": WORDS, "password": "a long password"}
        client.submit("/register", account, form="/register")
    if sent == "forgotten":
        client.submit("/reset", {"email": STRANGER}, form="/reset")

    mails = mailed(app)

    assert mails != []
    for mail in mails:
        assert "evil.example" not in Mailbox(app).text_of(mail)


def test_a_guests_key_is_no_way_to_the_receipt(app: Flask, make: Make) -> None:
    campaign = make.live_campaign()
    first = place(app, campaign, WISH)
    assert first.json["receipt_token"]

    again = place(app, campaign, WISH)
    other = place(app, campaign, {**WISH, "name": "Somebody else"})

    assert again.status_code == 201
    assert again.json["checkout_url"] == first.json["checkout_url"]
    assert (again.json["receipt_token"], again.json["receipt_url"]) == (None, None)
    assert other.status_code == 409


def test_an_account_that_sends_again_has_its_receipt_again(app: Flask, make: Make) -> None:
    campaign, user = make.live_campaign(), make.user()
    assert isinstance(user, User)
    program = Program(app).sign_in(user.email)
    path = f"/campaigns/{campaign.public_id}/pledges"
    wish = {"amount": 20_00, "email": user.email, "visibility": "anonymous"}
    key = {"Idempotency-Key": "an-accounts-key"}

    told = [program.ask("POST", path, json=wish, headers=key).json for _ in range(2)]

    assert all(one is not None and one["receipt_token"] for one in told)
