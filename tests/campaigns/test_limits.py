"""Opening checkouts is slowed down; looking at what a pledge comes to is not."""

from http import HTTPStatus

import pytest
from flask import Flask

from stripe_sandbox.client import SandboxClient
from tests.campaigns.pledges.test_place import agree, fill, form_of
from tests.make import Make
from tests.program import Program
from tests.visitor import Visitor

pytestmark = pytest.mark.counted


def test_trying_cards_from_one_address_is_stopped_by_page_and_by_program(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    entries = fill(client, campaign, {})
    token = {"csrf_token": entries["csrf_token"]}
    for _ in range(60):
        assert client.post("/pledges/unknown/pay", data=token).status_code == HTTPStatus.NOT_FOUND

    by_page = client.post(form_of(campaign), data=entries | {"agreed": "1"})
    by_program = Program(app).ask("POST", "/receipts/unknown/checkout")

    assert by_page.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert by_program.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert sandbox.every("/v1/checkout/sessions") == []


def test_a_hall_of_people_behind_one_address_may_all_look_and_then_pay(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    entries = fill(client, campaign, {})

    for _ in range(61):
        assert client.post(form_of(campaign), data=entries).status_code == HTTPStatus.OK

    assert agree(client, campaign, entries).startswith(sandbox.url)
