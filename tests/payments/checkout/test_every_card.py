"""Every test card, typed on the hosted page that the pledge form leads to."""

from enum import Enum, auto

import pytest

from campaigns.models import Campaign, PledgeStatus
from octo.database import db
from stripe_sandbox.cards import CARDS
from stripe_sandbox.client import VISA, SandboxClient
from tests.campaigns.pledges.test_place import agree, fill, receipt_of, the_pledge
from tests.make import Make
from tests.sandbox import EXPIRY
from tests.stripe_sandbox.browser import Browser, Page
from tests.visitor import Visitor

TYPED = {"expiry": EXPIRY, "cvc": "123", "name": "Riwal Ar Gov"}


class Course(Enum):
    """What a card does at the first try."""

    PAID = auto()
    REFUSED = auto()
    CONFIRMED_AND_PAID = auto()
    CONFIRMED_AND_REFUSED = auto()


COURSES = {
    "4242424242424242": Course.PAID,
    "4000000000000002": Course.REFUSED,
    "4000000000009995": Course.REFUSED,
    "4000000000009987": Course.REFUSED,
    "4000000000009979": Course.REFUSED,
    "4000000000000069": Course.REFUSED,
    "4000000000000127": Course.REFUSED,
    "4000000000000119": Course.REFUSED,
    "4242424242424241": Course.REFUSED,
    "4000000000000341": Course.REFUSED,
    "4000002500003155": Course.CONFIRMED_AND_PAID,
    "4000002760003184": Course.CONFIRMED_AND_PAID,
    "4000008260003178": Course.CONFIRMED_AND_REFUSED,
    "4000008400001629": Course.CONFIRMED_AND_REFUSED,
    "4000000000000077": Course.PAID,
    "4000000000007726": Course.PAID,
    "4000000000005126": Course.PAID,
    "4000000000000259": Course.PAID,
    "4000000000001976": Course.PAID,
}
OF_OTHER_BRANDS = {"4000056655665556", "5555555555554444", "378282246310005", "4000002500000003"}


def test_no_card_is_left_out() -> None:
    assert set(CARDS) - OF_OTHER_BRANDS == set(COURSES) - {"4242424242424241"}


@pytest.mark.parametrize(("number", "course"), COURSES.items())
def test_the_card_pays_or_says_why_and_another_one_pays(
    number: str, course: Course, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    browser = Browser("fr-FR")
    checkout = browser.open(agree(client, campaign, fill(client, campaign, {})))

    answer = browser.submit(checkout, TYPED | {"number": number})
    if course in {Course.CONFIRMED_AND_PAID, Course.CONFIRMED_AND_REFUSED}:
        answer = browser.submit(browser.open(answer.location), {"outcome": "complete"})
    if course in {Course.REFUSED, Course.CONFIRMED_AND_REFUSED}:
        refused = answer if course is Course.REFUSED else browser.open(answer.location)
        assert the_refusal(refused)
        assert pledged(campaign) == 0
        assert the_pledge().status is PledgeStatus.PENDING
        answer = browser.submit(refused, TYPED | {"number": VISA})

    assert answer.status == 303
    assert client.get(receipt_of(sandbox, the_pledge())).status_code == 200
    assert the_pledge().status is PledgeStatus.ACTIVE
    assert pledged(campaign) == 15_00
    paid = [one for one in sandbox.every("/v1/charges") if one["paid"]]
    assert [one["amount"] for one in paid] == [15_00]


def the_refusal(page: Page) -> str:
    """Return what the page says at its top or beside a field."""
    said: str = page.tree.xpath("string(//*[@role='alert' or @class='error'])")
    return said.strip()


def pledged(campaign: Campaign) -> int:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id).pledged_amount
