"""What a season lacks, acted after it: what goes wrong, waits, is contested, refused or left open.

All of it comes through the doors people use: the API, the commands, the sandbox's pages.
"""

import io
import itertools
import time
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Flask
from PIL import Image

from stripe_sandbox.client import VISA, SandboxClient
from tests.octo.mail.mailbox import Mailbox
from tests.program import Program
from tests.signing import sign
from tests.site import WEBHOOK_SECRET
from tests.upgrades.keeping import PASSWORD, address_of

AT_ONCE: Final = "4000000000000077"
ASKS_ALWAYS: Final = "4000002760003184"
DECLINED_LATER: Final = "4000000000000341"
DISPUTED: Final = "4000000000000259"
INQUIRY: Final = "4000000000001976"
REFUND_FAILS: Final = "4000000000005126"
REFUND_PENDS: Final = "4000000000007726"
STORY: Final = "Une camionnette équipée ira de bourg en bourg, avec un fauteuil et un bac. " * 4
WHY: Final = {"reason": "Vu avec la structure."}
ON_SUCCESS: Final = {"collection": "on_success"}

Json = Any


class Troupe:
    """Everybody who acts, and the one Stripe account they act on."""

    def __init__(self, app: Flask, sandbox: SandboxClient) -> None:
        self.app = app
        self.sandbox = sandbox
        self.guest = Program(app)
        self.owner, self.treasurer, self.moderator = (
            self._come_in(role) for role in ("owner", "treasurer", "moderator")
        )
        self.accounts: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def command(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command of the site, and return what it said."""
        result = self.app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code in codes, f"{arguments}: {result.output} {result.exception!r}"
        return str(result.output)

    def work(self) -> None:
        self.command("worker", "--once", codes=(0, 3))

    def pass_time(self, span: str) -> None:
        self.command("demo", "advance", span)

    def organisation(self, name: str) -> str:
        founded = {"name": name, "legal_form": "association", "place": "Brasparts"}
        made = self.owner.post("/organisations", founded, status=HTTPStatus.CREATED)
        return str(made["id"])

    def draft(self, organisation: str, title: str, **terms: object) -> str:
        """Write a whole campaign and return its path."""
        told = {"title": title, "category": "solidarity", "goal_amount": 100_00}
        told |= {"organisation": organisation, "duration_days": 20, **terms}
        made = self.owner.post("/campaigns", told, status=HTTPStatus.CREATED)
        at = f"/campaigns/{made['id']}"
        self.owner.patch(at, {"summary": f"{title} !", "story": STORY, "place": "Brasparts"})
        cover = {"cover": (_picture(), "cover.png"), "description": "Une camionnette."}
        assert self.owner.ask("PUT", f"{at}/cover", data=cover).status_code == HTTPStatus.OK
        costs = [{"label": "La camionnette", "amount": told["goal_amount"]}]
        self.owner.put(f"{at}/cost-lines", {"cost_lines": costs})
        reward = {"title": "Une coupe", "minimum_amount": 10_00, "stock": 20}
        self.owner.post(f"{at}/rewards", reward, status=HTTPStatus.CREATED)
        return at

    def submit(self, organisation: str, title: str, **terms: object) -> str:
        at = self.draft(organisation, title, **terms)
        self.owner.post(f"{at}/submission")
        return at

    def decide(self, at: str, act: str) -> None:
        """Decide as the moderator."""
        self.moderator.post(f"/moderation{at}/decisions", {"act": act, **WHY})

    def gather(self, organisation: str, title: str, supporters: int, **terms: object) -> str:
        """Bring a campaign to its gathering, and so many supporters to it."""
        at = self.submit(organisation, title, **terms)
        self.decide(at, "approve")
        for _ in range(supporters):
            email = self._address()
            word = {"email": email, "name": "Gwenaëlle", "word": "Enfin !"}
            self.guest.post(f"{at}/supporters", word, status=HTTPStatus.ACCEPTED)
            link = Mailbox(self.app).link_to(email, "/support/")
            self.guest.post("/supporters/confirmation", {"token": link.rsplit("/", 1)[-1]})
        return at

    def launch(self, organisation: str, title: str, **terms: object) -> str:
        at = self.gather(organisation, title, 3, **terms)
        if not self.owner.get(f"{at}/standing")["is_owner_ready"]:
            self.owner.post(f"{at}/onboarding")
            newest = self.sandbox.get("/v2/core/accounts", limit=1)["data"][0]["id"]
            self.accounts[organisation] = newest
            self.sandbox.onboard(newest)
            self.owner.post(f"{at}/onboarding/check")
        assert self.owner.post(f"{at}/launch")["campaign"]["status"] == "live"
        return at

    def begin_pledge(self, at: str, amount: int, **wish: object) -> tuple[str, str]:
        """Pledge and leave it at Stripe's open page; return the receipt and that page's id."""
        number = next(self._numbers)
        wish = {"amount": amount, "email": self._address(), "name": f"Riwal {number}", **wish}
        placed = self.guest.post(f"{at}/pledges", wish, key=f"kept-pledge-{number}", status=201)
        page = str(placed["checkout_url"])
        return f"/receipts/{placed['receipt_token']}", page.rsplit("/", 1)[-1]

    def pledge(self, at: str, amount: int, card: str = VISA, **wish: object) -> str:
        """Pledge, pay and come back; return the receipt's path."""
        receipt, page = self.begin_pledge(at, amount, **wish)
        self.sandbox.pay(page, card=card)
        assert self.guest.get(receipt)["pledge"]["status"] == "active"
        return receipt

    def treasury(self, at: str, what: str, body: Json, key: str | None = None) -> Json:
        return self.treasurer.post(f"/treasury{at}/{what}", body, key=key)

    def charge_of(self, at: str, amount: int) -> str:
        """Find at Stripe the charge of a sum for a campaign."""
        group = at.rsplit("/", 1)[-1]
        [charge] = [
            one["id"]
            for one in self.sandbox.every("/v1/charges", transfer_group=group)
            if one["amount"] == amount
        ]
        return str(charge)

    def _come_in(self, role: str) -> Program:
        email = address_of(role)
        person = ("--name", role.capitalize(), "--role", role, "--password", PASSWORD)
        self.command("user", "create", email, *person)
        return Program(self.app).sign_in(email, PASSWORD)

    def _address(self) -> str:
        return f"somebody-{next(self._numbers)}@kept.example"


def act(troupe: Troupe) -> None:
    """Act everything; at the end much is left open, and Stripe has just been away."""
    sandbox = troupe.sandbox
    sandbox.top_up(1_000_00)
    ours, theirs = (troupe.organisation(name) for name in ("Les Ciseaux", "Le Triporteur"))
    invited = {"email": "a.friend@kept.example"}
    troupe.owner.post(f"/organisations/{ours}/invitations", invited, status=202)
    later = _set_up_what_waits(troupe, ours)
    owing = troupe.launch(ours, "Le four")
    troupe.pledge(owing, 80_00, AT_ONCE, tip_amount=3_00)
    troupe.pledge(owing, 53_33, AT_ONCE)
    contested = troupe.launch(ours, "La fontaine", goal_amount=50_00)
    for amount, card in ((80_00, DISPUTED), (53_33, VISA), (11_00, INQUIRY), (12_00, VISA)):
        troupe.pledge(contested, amount, card)
    missed = troupe.launch(ours, "Le moulin", goal_amount=1_000_00)
    for amount in (15_00, 25_00, 35_00):
        troupe.pledge(missed, amount, REFUND_FAILS)
    troupe.pledge(missed, 45_00, REFUND_PENDS)
    unpaid = troupe.launch(theirs, "Le fournil", goal_amount=50_00)
    troupe.pledge(unpaid, 60_00, AT_ONCE)
    last_hour = troupe.launch(ours, "La volière", goal_amount=500_00, duration_days=22)
    cards = troupe.launch(ours, "Le lavoir", **ON_SUCCESS)
    for card in (VISA, VISA, DECLINED_LATER, ASKS_ALWAYS):
        troupe.pledge(cards, 60_00, card)
    for title in ("Le puits", "Le bac"):
        gone = troupe.launch(ours, title)
        troupe.pledge(gone, 20_00)
        troupe.owner.post(f"{gone}/cancellation", WHY)
        troupe.work()
        sandbox.fault(method="POST", path="/v1/refunds", action="error_before", status=400)
    sandbox.clear_faults()
    sandbox.post(f"/_sandbox/charges/{troupe.charge_of(contested, 12_00)}/dispute")
    troupe.work()
    disputes = {one["amount"]: one["id"] for one in sandbox.every("/v1/disputes")}
    sandbox.post(f"/_sandbox/disputes/{disputes[12_00]}/lose")
    sandbox.restrict(troupe.accounts[theirs])
    troupe.pass_time("21d")

    sandbox.post(f"/_sandbox/disputes/{disputes[80_00]}/win")
    sandbox.post(f"/_sandbox/charges/{troupe.charge_of(owing, 83_00)}/dispute")
    troupe.work()
    _look_after(troupe, owing)
    _leave_open(troupe, last_hour, later)


def _set_up_what_waits(troupe: Troupe, ours: str) -> str:
    """Leave a campaign at each step before its launch, and some amid their time.

    Return the path of one that takes pledges for long.
    """
    troupe.draft(ours, "Le rouet")
    troupe.submit(ours, "La forge")
    troupe.gather(ours, "La barque", 1)
    troupe.decide(troupe.submit(ours, "Le casino"), "reject")
    held = troupe.launch(ours, "Le verger", duration_days=50)
    troupe.pledge(held, 22_00, tip_amount=1_00)
    troupe.decide(held, "suspend")
    later = troupe.launch(ours, "Le phare", duration_days=60, goal_amount=90_00)
    troupe.pledge(later, 30_00)
    deadline = datetime.fromisoformat(troupe.guest.get(later)["deadline_at"])
    until = (deadline + timedelta(hours=3)).astimezone(ZoneInfo("Europe/Paris"))
    slug = str(troupe.guest.get(later)["slug"])
    told = ("--until", f"{until:%Y-%m-%d %H:%M}", "--reason", "Une panne.")
    troupe.command("campaign", "extend-for-outage", slug, *told)
    saved = troupe.launch(ours, "La barge", duration_days=60, **ON_SUCCESS)
    troupe.pledge(saved, 40_00, DECLINED_LATER)
    troupe.begin_pledge(saved, 41_00)
    given_up = troupe.pledge(saved, 42_00)
    troupe.guest.post(f"{given_up}/cancellation")
    return later


def _look_after(troupe: Troupe, owing: str) -> None:
    """Do what a treasurer does about a debt, failed refunds and what was made by hand."""
    part = {**WHY, "amount": 20_00}
    troupe.treasury(owing, "debt/recovery", part, "twenty-of-it")
    failed = {
        one["amount"]: one["id"] for one in troupe.treasurer.get("/treasury/refunds")["items"]
    }
    by_bank = {"means": "bank_transfer", "reference": "VIR RIOU"}
    troupe.treasurer.post(f"/treasury/refunds/{failed[15_00]}/bank-payment", by_bank)
    troupe.treasurer.post(f"/treasury/refunds/{failed[25_00]}/second-try", WHY)
    made = {"amount": 1_00, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    troupe.sandbox.call_stripe("/v1/payment_intents", return_url="http://localhost/", **made)
    troupe.command("reconcile", codes=(0, 1))
    for one in troupe.treasurer.get("/treasury/discrepancies")["items"]:
        answer = {"kind": one["kind"], "subject": one["subject"], **WHY}
        troupe.treasurer.post("/treasury/explanations", answer)
    troupe.work()


def _leave_open(troupe: Troupe, last_hour: str, later: str) -> None:
    """Have Stripe break off amid a closing and a refund, and stop there."""
    sandbox = troupe.sandbox
    deadline = datetime.fromisoformat(troupe.guest.get(last_hour)["deadline_at"])
    troupe.pass_time(f"{(int(deadline.timestamp()) - sandbox.now()) // 60 - 10}m")
    slow = troupe.pledge(later, 34_00, REFUND_PENDS)
    lost = troupe.pledge(later, 35_00, visibility="amount_hidden")
    last = troupe.pledge(later, 36_00, visibility="public")
    troupe.begin_pledge(last_hour, 44_00)
    troupe.guest.post(f"{slow}/cancellation")
    troupe.work()
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_after", times=0)
    sandbox.fault(method="POST", path="/v1/checkout/sessions/*", action="drop_before", times=0)
    troupe.guest.post(f"{lost}/cancellation")
    troupe.pass_time("11m")
    word = {"email": "undecided@kept.example", "name": "Gwenaëlle", "word": "Enfin !"}
    [open_one] = troupe.guest.get("/campaigns?stage=gathering")["items"]
    path = f"/campaigns/{open_one['id']}/supporters"
    troupe.guest.post(path, word, status=HTTPStatus.ACCEPTED)
    troupe.guest.post(f"{last}/cancellation")
    event = (
        '{"id": "evt_kept", "object": "event", "type": "charge.refunded", "livemode": false,'
        ' "created": 1, "data": {"object": {"id": "ch_kept", "object": "charge"}}}'
    )
    headers = {"Stripe-Signature": sign(event, WEBHOOK_SECRET, at=int(time.time()))}
    sent = troupe.app.test_client().post("/webhooks/stripe", data=event, headers=headers)
    assert sent.status_code == HTTPStatus.OK, sent.text
    sandbox.clear_faults()


def _picture() -> io.BytesIO:
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(picture, "PNG")
    picture.seek(0)
    return picture
