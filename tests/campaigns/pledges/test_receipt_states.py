"""Whatever becomes of a pledge and its money, its receipt says so, and offers what can be done."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from campaigns.models import Campaign, Collection, Pledge
from campaigns.pages.receipt_states import SAID
from campaigns.pledges.mails import issue_link
from campaigns.policy.receipt_states import ReceiptState
from octo.database import transaction
from octo.mail.outbox import OutboxMessage
from stripe_sandbox.client import VISA
from tests.campaigns.deadline.test_collection_table import DECLINED_LATER
from tests.make import Make
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    DISPUTED,
    INQUIRY,
    contest,
    judge,
    sign_in_as_treasurer,
    tick,
)
from tests.octo.mail.mailbox import Mailbox
from tests.payments.refunds.test_failed import REFUND_FAILS_LATER
from tests.visitor import Visitor, parse

S = ReceiptState
ACTS: Final = ("pay", "repair", "cancel")
UNTIL_DECIDED: Final = ("close_campaigns",)
UNTIL_PLANNED: Final = ("close_campaigns", "settle_campaigns")


def live(
    make: Make, *, goal: int = 50_00, collection: Collection = Collection.ON_PLEDGE
) -> Campaign:
    make.moment.sandbox.top_up(500_00)
    return make.live_campaign(goal=goal, days=20, collection=collection)


def saved(make: Make, *, goal: int = 50_00) -> Campaign:
    return live(make, goal=goal, collection=Collection.ON_SUCCESS)


def visitor(make: Make) -> Visitor:
    found = make.app.test_client()
    assert isinstance(found, Visitor)
    return found


def over(make: Make, pledge: Pledge, *jobs: str) -> Pledge:
    """Let the deadline pass and the worker do all, or these jobs alone."""
    make.moment.advance(days=21)
    if jobs:
        tick(make, *jobs)
    else:
        make.work()
    return pledge


def canceled(make: Make, pledge: Pledge) -> Pledge:
    visitor(make).submit(Mailbox(make.app).link_to(pledge.email, "/pledges/"), form="/cancel")
    return pledge


def by_hand(make: Make, pledge: Pledge, amount: int) -> Pledge:
    """Refund so much in Stripe's dashboard."""
    charge = make.payment(pledge).stripe_charge_id
    make.moment.sandbox.call_stripe("/v1/refunds", charge=charge, amount=amount)
    make.work()
    return pledge


def contested(make: Make, pledge: Pledge, verdict: str = "", **more: int) -> Pledge:
    dispute = contest(make.moment.sandbox, make.payment(pledge).stripe_charge_id, **more)
    make.work()
    if verdict:
        judge(make.moment.sandbox, dispute, verdict)
        make.work()
    return pledge


def came_back(make: Make) -> Pledge:
    """Have the refund of a missed goal come back from the bank days later."""
    pledge = over(
        make, make.pledge(live(make, goal=900_00), 50_00, tip=2_00, card=REFUND_FAILS_LATER)
    )
    make.moment.advance(days=10)
    make.work()
    return pledge


def paid_by_bank(make: Make) -> Pledge:
    pledge = came_back(make)
    treasurer = visitor(make)
    sign_in_as_treasurer(make, treasurer)
    (page,) = set(treasurer.page("/treasury").xpath("//a[contains(@href, '/refunds/')]/@href"))
    treasurer.submit(page, {"means": "bank_transfer", "reference": "VIR 12"}, form="/paid-by-bank")
    return pledge


def expired(make: Make, pledge: Pledge) -> Pledge:
    make.open_checkout(pledge)
    make.moment.advance(hours=2)
    make.work()
    return pledge


def reached(make: Make, campaign: Campaign) -> Campaign:
    """Have another backer reach the goal."""
    make.pledge(
        campaign,
        60_00,
        card=AVAILABLE_AT_ONCE if campaign.collection is Collection.ON_PLEDGE else VISA,
    )
    return campaign


@dataclass(frozen=True)
class Told:
    """A story, how the pledge stands at its end, the acts offered and the amounts told."""

    story: Callable[[Make], Pledge]
    states: tuple[ReceiptState, ...]
    acts: str
    amounts: tuple[str, ...]


STORIES: Final[dict[str, Told]] = {
    "not paid yet": Told(lambda m: m.pending_pledge(live(m)), (S.UNPAID,), "pay cancel", ()),
    "no card yet": Told(lambda m: m.pending_pledge(saved(m)), (S.UNSAVED,), "pay cancel", ()),
    "paid": Told(lambda m: m.pledge(live(m), 30_00, tip=1_00), (S.HELD,), "cancel", ("€31.00",)),
    "card saved": Told(lambda m: m.pledge(saved(m), 30_00), (S.SAVED,), "cancel", ()),
    "being charged": Told(
        lambda m: over(m, m.pledge(reached(m, saved(m))), *UNTIL_DECIDED),
        (S.CHARGING,),
        "",
        (),
    ),
    "charged before the others": Told(
        lambda m: over(m, _beside_a_declined_one(m)),
        (S.CHARGED,),
        "",
        (),
    ),
    "declined": Told(
        lambda m: over(m, m.pledge(reached(m, saved(m)), 30_00, card=DECLINED_LATER)),
        (S.DECLINED,),
        "repair",
        ("€30.00",),
    ),
    "succeeded a moment ago": Told(
        lambda m: over(m, m.pledge(reached(m, live(m)), 30_00, tip=1_00), *UNTIL_DECIDED),
        (S.DUE,),
        "",
        ("€30.00",),
    ),
    "missed a moment ago": Told(
        lambda m: over(m, m.pledge(live(m, goal=900_00), 30_00, tip=1_00), *UNTIL_DECIDED),
        (S.GOES_BACK,),
        "",
        ("€31.00",),
    ),
    "missed, a card saved": Told(
        lambda m: over(m, m.pledge(saved(m, goal=900_00), 30_00), *UNTIL_DECIDED),
        (S.SPARED,),
        "",
        (),
    ),
    "collected": Told(
        lambda m: over(m, m.pledge(reached(m, live(m)), 30_00, tip=1_00)),
        (S.COLLECTED,),
        "",
        ("€30.00",),
    ),
    "left out": Told(
        lambda m: _later(over(m, m.pledge(reached(m, saved(m)), 30_00, card=DECLINED_LATER)), m, 8),
        (S.LEFT_OUT,),
        "",
        (),
    ),
    "released": Told(
        lambda m: over(m, m.pledge(saved(m, goal=900_00), 30_00)),
        (S.RELEASED,),
        "",
        (),
    ),
    "canceled, not paid": Told(
        lambda m: canceled(m, m.pledge(saved(m), 30_00)),
        (S.CANCELED_UNCHARGED,),
        "",
        (),
    ),
    "canceled": Told(
        lambda m: canceled(m, m.pledge(live(m), 30_00)),
        (S.CANCELED, S.RETURNING),
        "",
        ("€30.00",),
    ),
    "expired": Told(lambda m: expired(m, m.pending_pledge(live(m))), (S.EXPIRED,), "", ()),
    "no card in time": Told(
        lambda m: expired(m, m.pending_pledge(saved(m))),
        (S.EXPIRED_UNSAVED,),
        "",
        (),
    ),
    "on its way back": Told(
        lambda m: over(m, m.pledge(live(m, goal=900_00), 30_00, tip=1_00), *UNTIL_PLANNED),
        (S.RETURNING,),
        "",
        ("€31.00",),
    ),
    "sent back": Told(
        lambda m: over(m, m.pledge(live(m, goal=900_00), 30_00, tip=1_00)),
        (S.RETURNED,),
        "",
        ("€31.00",),
    ),
    "a part sent back": Told(
        lambda m: by_hand(m, m.pledge(live(m), 30_00), 10_00),
        (S.HELD, S.RETURNED),
        "cancel",
        ("€20.00", "€10.00"),
    ),
    "it came back": Told(came_back, (S.OWED,), "", ("€52.00",)),
    "paid by our bank": Told(paid_by_bank, (S.PAID_BY_BANK,), "", ("€52.00",)),
    "an inquiry": Told(
        lambda m: _worked(m, m.pledge(live(m), 30_00, card=INQUIRY)),
        (S.HELD, S.INQUIRED),
        "cancel",
        ("€30.00",),
    ),
    "contested": Told(
        lambda m: _worked(m, m.pledge(live(m), 30_00, tip=1_00, card=DISPUTED)),
        (S.WITHDRAWN,),
        "",
        ("€31.00",),
    ),
    "a part contested": Told(
        lambda m: contested(m, m.pledge(live(m), 30_00), amount=10_00),
        (S.HELD, S.WITHDRAWN),
        "",
        ("€20.00", "€10.00"),
    ),
    "a part lost": Told(
        lambda m: contested(m, m.pledge(live(m), 30_00), "lose", amount=10_00),
        (S.HELD, S.LOST),
        "cancel",
        ("€20.00", "€10.00"),
    ),
    "lost, while it runs": Told(
        lambda m: contested(m, m.pledge(live(m), 30_00), "lose"),
        (S.LOST,),
        "",
        ("€30.00",),
    ),
    "won, while it runs": Told(
        lambda m: contested(m, m.pledge(live(m), 30_00), "win"),
        (S.HELD,),
        "cancel",
        ("€30.00",),
    ),
    "contested, then missed": Told(
        lambda m: over(m, m.pledge(live(m, goal=900_00), 30_00, card=DISPUTED)),
        (S.WITHDRAWN,),
        "",
        ("€30.00",),
    ),
    "contested, then succeeded": Told(
        lambda m: over(m, m.pledge(reached(m, live(m)), 30_00, card=DISPUTED)),
        (S.WITHDRAWN,),
        "",
        ("€30.00",),
    ),
    "collected, then lost": Told(
        lambda m: contested(m, over(m, m.pledge(reached(m, live(m)), 30_00)), "lose"),
        (S.LOST,),
        "",
        ("€30.00",),
    ),
    "collected, then a part sent back": Told(
        lambda m: by_hand(m, over(m, m.pledge(reached(m, live(m)), 30_00)), 10_00),
        (S.COLLECTED, S.RETURNED),
        "",
        ("€20.00", "€10.00"),
    ),
}


def _worked(make: Make, pledge: Pledge) -> Pledge:
    make.work()
    return pledge


def _later(pledge: Pledge, make: Make, days: int) -> Pledge:
    make.moment.advance(days=days)
    make.work()
    return pledge


def _beside_a_declined_one(make: Make) -> Pledge:
    campaign = reached(make, saved(make))
    make.pledge(campaign, 30_00, card=DECLINED_LATER)
    return make.pledge(campaign, 30_00)


def receipt_of(make: Make, pledge: Pledge) -> str:
    """Give the receipt's page in English, by a link as mails carry it."""
    with transaction() as session:
        mine = session.get_one(Pledge, pledge.id)
        token = issue_link(session, mine, at=make.moment.now() - timedelta(minutes=1))
    return f"/pledges/{token}?lang=en"


def text_of(make: Make, mail: OutboxMessage) -> str:
    """Give the text of a mail on one line."""
    return " ".join(Mailbox(make.app).text_of(mail).split())


def pattern_of(state: ReceiptState) -> re.Pattern[str]:
    """Make of what is said of a state a pattern that any facts fit."""
    said = SAID[state]
    parts = re.split(r"%\(\w+\)s", f"{said.heading} {said.text}".strip())
    return re.compile(".+".join(map(re.escape, parts)))


@pytest.mark.parametrize("told", STORIES.values(), ids=STORIES)
def test_the_receipt_says_how_the_money_stands_and_offers_what_can_be_done(
    make: Make, client: Visitor, told: Told
) -> None:
    pledge = told.story(make)

    page = client.page(receipt_of(make, pledge))

    found = page.xpath("//main//div[starts-with(@class, 'notice ')]")
    notices = [" ".join(one.text_content().split()) for one in found]
    for notice, state in zip(notices, told.states, strict=True):
        assert pattern_of(state).fullmatch(notice), (state, notice)
    said = " ".join(notices)
    assert [amount for amount in told.amounts if amount not in said] == []
    forms = {action.rsplit("/", 1)[-1] for action in page.xpath("//main//form/@action")}
    assert forms & set(ACTS) == set(told.acts.split())


def test_every_state_has_its_sentence_and_its_story() -> None:
    assert set(SAID) == set(ReceiptState)
    assert {one for told in STORIES.values() for one in told.states} == set(ReceiptState)


@pytest.mark.parametrize(
    ("name", "templates", "says"),
    [
        ("contested, then missed", ["pledge_confirmed"], ""),
        ("contested, then succeeded", ["pledge_confirmed"], ""),
        ("canceled", ["pledge_confirmed", "pledge_canceled"], "Nous renvoyons 30,00"),
        ("a part sent back", ["pledge_confirmed", "refund_sent"], "10,00"),
    ],
)
def test_mails_promise_nothing_that_a_bank_has(
    make: Make, name: str, templates: list[str], says: str
) -> None:
    pledge = STORIES[name].story(make)

    mails = Mailbox(make.app).to(pledge.email)

    assert [mail.template for mail in mails] == templates
    assert says in text_of(make, mails[-1])


def test_what_succeeds_is_told_by_what_is_left_of_it(make: Make) -> None:
    pledge = by_hand(make, make.pledge(reached(make, live(make)), 30_00), 10_00)

    over(make, pledge)

    last = Mailbox(make.app).to(pledge.email)[-1]
    assert last.template == "pledge_collected"
    assert "contribution de 20,00" in text_of(make, last)


def test_money_with_a_bank_cannot_be_canceled_at_any_door(make: Make, client: Visitor) -> None:
    pledge = STORIES["contested"].story(make)
    receipt = receipt_of(make, pledge).removesuffix("?lang=en")

    page = parse(client.get(receipt))
    token = page.xpath("//input[@name='csrf_token']/@value")[0]
    answer = client.post(f"{receipt}/cancel", data={"csrf_token": token})
    api = client.get(f"/api/v1/receipts/{receipt.rsplit('/', 1)[-1]}").json

    assert answer.status_code == 409
    assert "auprès de votre banque" in answer.text
    assert api is not None
    assert api["can_cancel"] is False
    assert api["payment"]["withdrawn_amount"] == 31_00
    assert api["payment"]["is_contested"] is True
