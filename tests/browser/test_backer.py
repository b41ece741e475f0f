"""A backer on a phone: from the home page to the receipt, and back out again."""

import pytest
from playwright.sync_api import expect

from campaigns.models import Campaign
from stripe_sandbox.client import SandboxClient
from tests.browser.conftest import Invite
from tests.browser.person import PHONE, Person
from tests.make import Make
from tests.sandbox import EXPIRY

pytestmark = pytest.mark.browser

GUEST = "riwal@example.org"


def go_to_checkout(backer: Person, campaign: Campaign) -> None:
    """Pledge 15 € and a tip of 1 € for the reward, as a guest, up to Stripe's page."""
    backer.open("/")
    backer.follow(campaign.title)
    backer.follow("Choose this reward")
    backer.fill(amount="15", tip="1", email=GUEST)
    backer.unfold("Your name and a word")
    backer.fill(name="Riwal", message="Kalon vat!")
    backer.choose("visibility", "public")
    backer.press("See the total")
    backer.sees("What you will pay", "€16.00", GUEST)
    backer.press("Pay €16.00")


def pay_with(backer: Person, card: str) -> None:
    backer.fill(number=card, expiry=EXPIRY, cvc="123")
    backer.field("name").fill("Riwal Le Goff")
    backer.press("Pay €16.00")


def test_a_guest_pledges_reads_the_receipt_in_a_mail_and_cancels(
    invite: Invite, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=100_00, stock=3)
    backer = invite(PHONE)

    go_to_checkout(backer, campaign)
    pay_with(backer, "4242 4242 4242 4242")
    backer.sees("Thank you for your pledge", "€16.00", "A basket")
    make.work()
    backer.follow_mail(GUEST, "pledge", "/pledges/")
    backer.sees("Thank you for your pledge")
    backer.open(f"/campaigns/{campaign.slug}")
    backer.sees("15%", "2 left of 3", "Kalon vat!")
    backer.page.go_back()
    backer.unfold("Cancel this pledge")
    backer.press("Cancel my pledge")
    make.work()

    backer.page.reload()
    backer.sees("You canceled this pledge", "Sent back to your card")
    backer.open(f"/campaigns/{campaign.slug}")
    backer.sees("3 left of 3")
    backer.open_mail(GUEST, "cancel")


def test_a_declined_card_says_so_and_another_one_pays(invite: Invite, make: Make) -> None:
    backer = invite(PHONE)
    go_to_checkout(backer, make.live_campaign(stock=3))

    pay_with(backer, "4000 0000 0000 9995")
    backer.sees("insufficient funds")
    pay_with(backer, "4242 4242 4242 4242")

    backer.sees("Thank you for your pledge")


def test_three_d_secure_failed_then_completed(invite: Invite, make: Make) -> None:
    backer = invite(PHONE)
    go_to_checkout(backer, make.live_campaign(stock=3))

    pay_with(backer, "4000 0027 6000 3184")
    backer.sees("Confirm with your bank")
    backer.press("Fail the authentication")
    backer.sees_not("Thank you")
    pay_with(backer, "4000 0027 6000 3184")
    backer.press("Complete the authentication")

    backer.sees("Thank you for your pledge")


def test_coming_back_unpaid_finds_the_way_on_to_the_payment(invite: Invite, make: Make) -> None:
    backer = invite(PHONE)
    go_to_checkout(backer, make.live_campaign(stock=3))

    backer.page.locator("a.back").click()
    backer.sees("Your payment is not finished.")
    backer.press("Go on to the payment")
    pay_with(backer, "4242 4242 4242 4242")

    backer.sees("Thank you for your pledge")


def test_all_that_is_wrong_is_said_at_once_and_nothing_typed_is_lost(
    invite: Invite, make: Make
) -> None:
    campaign = make.live_campaign(stock=3)
    backer = invite(PHONE)
    backer.open(f"/campaigns/{campaign.slug}/pledge")

    backer.unfold("Your name and a word")
    backer.fill(amount="1e3", email="riwal", message="Kalon vat!")
    backer.press("See the total")

    backer.sees("2 things must be corrected.")
    expect(backer.page.locator(".refusals")).to_be_focused()
    for name, typed in {"amount": "1e3", "email": "riwal"}.items():
        assert backer.field(name).input_value() == typed
        assert backer.field(name).get_attribute("aria-invalid") == "true"
    assert backer.field("message").input_value() == "Kalon vat!"
    backer.follow("Your e-mail")
    expect(backer.field("email")).to_be_in_viewport()
