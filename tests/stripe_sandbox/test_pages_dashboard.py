"""The dashboard: an operator reads what the sandbox holds and does by hand what others would."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.browser import Browser, Page
from tests.stripe_sandbox.stories import (
    available,
    event_types,
    new_account,
    pay,
    ready_account,
    send,
    top_up,
    transfers_status,
)


@pytest.fixture
def root(api: stripe.StripeClient, sandbox: SandboxClient) -> str:
    """Name the dashboard of this test's platform."""
    return f"{sandbox.url}/dashboard/{api.v1.accounts.retrieve_current().id}"


def act(url: str, action: str, **typed: str) -> Page:
    """Open an object's page and press the button of one action."""
    browser = Browser()
    page = browser.open(url)
    [form] = [
        number
        for number, form in enumerate(page.tree.forms)
        if form.xpath(".//button[@value=$action]", action=action)
    ]
    return browser.submit(page, {"action": action, **typed}, form=form)


def test_payment_is_refunded_by_hand_in_part_then_whole(
    api: stripe.StripeClient, sandbox: SandboxClient, root: str
) -> None:
    charge = pay(api, 50_00)
    url = f"{root}/payments/{charge.id}"

    part = act(url, "refund", amount="20.00")
    partly = api.v1.charges.retrieve(charge.id)
    act(url, "refund")

    assert (part.status, part.location) == (303, url)
    assert (partly.amount_refunded, partly.refunded) == (20_00, False)
    assert api.v1.charges.retrieve(charge.id).refunded
    assert event_types(api).count("charge.refunded") == 2


@pytest.mark.parametrize("amount", ["50.01", "abc", "0", "-1", ""])
def test_refund_that_cannot_be_is_refused_with_a_reason(
    api: stripe.StripeClient, root: str, amount: str
) -> None:
    charge = pay(api, 50_00)

    refused = act(f"{root}/payments/{charge.id}", "refund", amount=amount)

    assert refused.status == 422
    assert refused.tree.xpath("string(//*[@role='alert'])").strip()
    assert api.v1.refunds.list().data == []


def test_payment_is_disputed_and_the_dispute_decided(api: stripe.StripeClient, root: str) -> None:
    charge = pay(api, 50_00)

    act(f"{root}/payments/{charge.id}", "fraudulent")
    [dispute] = api.v1.disputes.list().data
    act(f"{root}/disputes/{dispute.id}", "win")

    assert api.v1.disputes.retrieve(dispute.id).status == "won"


def test_account_is_made_ready_restricted_and_closed(api: stripe.StripeClient, root: str) -> None:
    account = new_account(api)
    url = f"{root}/accounts/{account}"

    act(url, "complete")
    ready = transfers_status(api, account)
    act(url, "restricted")
    restricted = transfers_status(api, account)
    act(url, "close")

    assert (ready, restricted) == ("active", "restricted")
    assert api.v2.core.accounts.retrieve(account).closed


def test_transfer_is_taken_back(
    api: stripe.StripeClient, sandbox: SandboxClient, root: str
) -> None:
    top_up(api, 100_00)
    transfer = send(api, ready_account(api, sandbox), 60_00)

    act(f"{root}/transfers/{transfer.id}", "reverse", amount="10.00")

    assert api.v1.transfers.retrieve(transfer.id).amount_reversed == 10_00
    assert available(api) == 50_00


def test_balance_is_topped_up(api: stripe.StripeClient, root: str) -> None:
    browser = Browser("fr")

    browser.submit(browser.open(f"{root}/balance"), {"amount": "12,50"})

    assert available(api) == 12_50
    assert "12,50\u00a0€" in browser.open(f"{root}/balance").text


def test_lists_go_on_page_after_page(api: stripe.StripeClient, root: str) -> None:
    for _ in range(25):
        top_up(api, 1_00)
    browser = Browser()

    first = browser.open(f"{root}/balance")
    [older] = first.tree.xpath("//nav[@class='pager']//a/@href")
    second = browser.open(f"{first.url.split('/dashboard')[0]}{older}")

    counts = [len(page.tree.xpath("//*[@class='line']")) for page in (first, second)]
    assert counts == [20, 5]


@pytest.mark.parametrize(
    "room", ["", "/payments", "/accounts", "/transfers", "/disputes", "/balance", "/events"]
)
def test_every_section_shows_what_there_is(
    api: stripe.StripeClient, sandbox: SandboxClient, root: str, room: str
) -> None:
    pay(api, 50_00, "pm_card_createDispute")
    top_up(api, 500_00)
    send(api, ready_account(api, sandbox), 60_00)
    browser = Browser()

    page = browser.open(f"{root}{room}")
    links = page.tree.xpath("//a[@class='line']/@href")
    opened = [browser.open(f"{sandbox.url}{link}") for link in links]

    assert page.status == 200
    assert {each.status for each in opened} <= {200}
    assert page.tree.xpath("//*[@class='line']")


@pytest.mark.parametrize("path", ["/nowhere", "/payments/ch_none", "/payments?after=ch_none"])
def test_what_does_not_exist_is_not_found(root: str, path: str) -> None:
    assert Browser().open(f"{root}{path}").status == 404


def test_unknown_platform_is_not_found(sandbox: SandboxClient) -> None:
    assert Browser().open(f"{sandbox.url}/dashboard/acct_0000000000000000").status == 404
    assert Browser().open(f"{sandbox.url}/dashboard/..%2f..%2fetc").status == 404


def test_home_lists_the_accounts_that_were_used(
    api: stripe.StripeClient, sandbox: SandboxClient, root: str
) -> None:
    home = Browser().open(sandbox.url)

    assert f"/dashboard/{root.rsplit('/', 1)[1]}" in home.tree.xpath("//a/@href")
