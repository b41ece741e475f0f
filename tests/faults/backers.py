"""Backers who knock at the doors of several sites, and at another where one does not answer.

Some are people with a browser, some are programs of the API. They send a form twice at once, go
without a reward that cannot be had, come back to pay, pay twice, cancel before or after; each notes
what was told.
"""

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import Any, Final

import lxml.html

from campaigns.models import Campaign
from stripe_sandbox.client import SandboxClient, SandboxRefusedError
from tests.obligations import AVAILABLE_AT_ONCE
from tests.program import PREFIX

ANSWER_SECONDS: Final = 4.0
PAUSE_SECONDS: Final = 0.3
WANTS_REWARD: Final = 0.7
SENDS_TWICE: Final = 0.4
COMES_BACK: Final = 0.3
PAYS_TWICE: Final = 0.3
CANCELS_FIRST: Final = 0.1
CANCELS_LATER: Final = 0.2
SILENT: Final = 0
Json = Any


class GaveUpError(Exception):
    """No site answered for so long that the backer went away."""


@dataclass(frozen=True)
class Answer:
    """What a site answered."""

    status: int
    text: str = field(repr=False)
    location: str = ""

    def json(self) -> Json:
        return json.loads(self.text)


@dataclass
class Doors:
    """The sites as they are found from outside, how long one tries, and what all of them said."""

    urls: Sequence[str]
    patience_seconds: float
    answers: Counter[int] = field(default_factory=Counter)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Where an answer leads is for the backer to see."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Caller:
    """Whoever sends requests with cookies of their own, until some site has answered."""

    def __init__(self, doors: Doors, chances: random.Random) -> None:
        self._doors = doors
        self._chances = chances
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies, _StayHere)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request, to another site where one is silent or cannot answer now."""
        end = time.monotonic() + self._doors.patience_seconds
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        while time.monotonic() < end:
            url = self._chances.choice(self._doors.urls) + path
            answer = self._try(urllib.request.Request(url, body, named, method=method))  # noqa: S310 - our own
            self._doors.answers[answer.status] += 1
            if answer.status not in {SILENT, HTTPStatus.SERVICE_UNAVAILABLE}:
                return answer
            time.sleep(PAUSE_SECONDS)
        raise GaveUpError

    def _try(self, request: urllib.request.Request) -> Answer:
        try:
            return self._open(request)
        except (OSError, http.client.HTTPException):
            return Answer(SILENT, "")

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as other:
            with other:
                return Answer(other.code, other.read().decode(), other.headers["Location"] or "")


class Backer(ABC):
    """One who pledges once, and what that backer knows of it at the end."""

    def __init__(
        self,
        number: int,
        campaign: Campaign,
        doors: Doors,
        sandbox: SandboxClient,
        *,
        chances: random.Random,
        thinks_seconds: float,
    ) -> None:
        self.email = f"crowd-{number}@example.org"
        self.has_paid = False
        self.asked_to_cancel = False
        self.was_told_canceled = False
        self.amount = 10_00 + number
        self.reward = campaign.rewards[0].public_id if chances.random() < WANTS_REWARD else ""
        self.campaign_id, self.slug = campaign.public_id, campaign.slug
        self._caller = Caller(doors, chances)
        self._chances = chances
        self._thinks_seconds = thinks_seconds
        self._sandbox = SandboxClient(sandbox.url, sandbox.key)

    def play(self) -> None:
        """Pledge, and do about it what a backer may do."""
        try:
            self._play()
        except GaveUpError:
            return
        finally:
            self._sandbox.close()

    def _play(self) -> None:
        self._think()
        page = self.place()
        if page is None and self.reward:
            self.reward = ""
            page = self.place()
        if page is None:
            return
        if self._may(CANCELS_FIRST):
            self._cancel()
        if self._may(COMES_BACK):
            page = self.come_back() or page
        self._pay(page)
        self._think()
        self.look()
        if self._may(PAYS_TWICE):
            self._pay(self.come_back() or page)
        if self._may(CANCELS_LATER):
            self._cancel()

    @abstractmethod
    def place(self) -> str | None:
        """Pledge, and give the page to pay on; nothing where that cannot be."""

    @abstractmethod
    def come_back(self) -> str | None:
        """Give the page to pay on, while the pledge waits to be paid."""

    @abstractmethod
    def look(self) -> None:
        """Read the receipt."""

    @abstractmethod
    def cancel(self) -> bool:
        """Cancel the pledge; tell whether it is."""

    def send(self, path: str, body: bytes | None, **headers: str) -> list[Answer]:
        """Send something, now and then twice at once, and give all that was answered."""
        copies = 2 if self._may(SENDS_TWICE) else 1
        with ThreadPoolExecutor(copies) as hands:
            sent = [
                hands.submit(self._caller.ask, "POST", path, body, **headers) for _ in range(copies)
            ]
        told = [one.result() for one in sent if not isinstance(one.exception(), GaveUpError)]
        if not told:
            raise GaveUpError
        return told

    def read(self, path: str) -> Answer:
        """Fetch what must be there."""
        answer = self._caller.ask("GET", path)
        assert answer.status == HTTPStatus.OK, f"{path}: {answer}"
        return answer

    def _pay(self, page: str) -> None:
        try:
            paid = self._sandbox.pay(_id_on(page), card=AVAILABLE_AT_ONCE)
        except SandboxRefusedError as refused:
            if "session_not_open" not in str(refused):
                raise
            return
        self.has_paid |= paid["session"]["payment_status"] == "paid"

    def _cancel(self) -> None:
        self.asked_to_cancel = True
        self.was_told_canceled |= self.cancel()

    def _may(self, chance: float) -> bool:
        return self._chances.random() < chance

    def _think(self) -> None:
        time.sleep(self._chances.uniform(0.0, self._thinks_seconds))


class Program(Backer):
    """A backer whose program uses the API, with one idempotency key."""

    def place(self) -> str | None:
        wish = {"amount": self.amount, "reward": self.reward or None, "email": self.email}
        told = self.send(
            f"{PREFIX}/campaigns/{self.campaign_id}/pledges",
            json.dumps(wish).encode(),
            Content_Type="application/json",
            Idempotency_Key=f"{self.email} wishes {self.reward or 'nothing'}",
        )
        placed = [one.json() for one in told if one.status == HTTPStatus.CREATED]
        _check_refusals(told, HTTPStatus.CREATED, "sold_out", "not_payable")
        assert len({(one["pledge"]["id"], one["checkout_url"]) for one in placed}) <= 1, placed
        if not placed:
            return None
        # Of a first answer that was lost, the second gives no guest the way to the receipt.
        token = next((one["receipt_token"] for one in placed if one["receipt_token"]), None)
        self._receipt = token and f"{PREFIX}/receipts/{token}"
        self._page = str(placed[-1]["checkout_url"])
        return self._page

    def come_back(self) -> str | None:
        if self._receipt is None:
            return self._page
        told = self.send(f"{self._receipt}/checkout", None)
        pages = {one.json()["checkout_url"] for one in told if one.status == HTTPStatus.OK}
        _check_refusals(told, HTTPStatus.OK, "not_payable")
        assert len(pages) <= 1, pages
        return pages.pop() if pages else None

    def look(self) -> None:
        if self._receipt is not None:
            assert self.read(self._receipt).json()["pledge"]["amount"] == self.amount

    def cancel(self) -> bool:
        if self._receipt is None:
            return False
        told = self.send(f"{self._receipt}/cancellation", None)
        _check_refusals(told, HTTPStatus.OK, "cancel_refused")
        return any(one.status == HTTPStatus.OK for one in told)


class Person(Backer):
    """A backer with a browser: forms, cookies, and the token that guards each form."""

    def place(self) -> str | None:
        path = f"/campaigns/{self.slug}/pledge"
        wish = {"amount": f"{self.amount / 100:.2f}", "email": self.email}
        form = self._form(self.read(f"{path}?reward={self.reward}"), "/pledge")
        sums = self._caller.ask("POST", path, _encoded({**form, **wish}))
        if sums.status == HTTPStatus.CONFLICT:
            return None
        assert sums.status == HTTPStatus.OK, sums
        agreed = {**self._form(sums, "/pledge"), "agreed": "1"}
        page = self._way(self.send(path, _encoded(agreed)))
        if page is not None:
            opened = self._sandbox.get(f"/v1/checkout/sessions/{_id_on(page)}")
            self._receipt = urllib.parse.urlsplit(opened["cancel_url"]).path
        return page

    def come_back(self) -> str | None:
        return self._way(self._press("/pay"))

    def look(self) -> None:
        self.read(self._receipt)

    def cancel(self) -> bool:
        told = self._press("/cancel")
        self._way(told)
        return any(one.status == HTTPStatus.SEE_OTHER for one in told)

    def _press(self, button: str) -> list[Answer]:
        """Press the button of the receipt that sends to this end of its address, if it has one."""
        page = self.read(self._receipt)
        form = self._form(page, button)
        return self.send(f"{self._receipt}{button}", _encoded(form)) if form else []

    def _form(self, page: Answer, end: str) -> dict[str, str]:
        """Give the fields of the form whose action ends so."""
        forms = lxml.html.fromstring(page.text).forms
        found = [one for one in forms if (one.action or "").endswith(end)]
        return dict(found[0].form_values()) if found else {}

    def _way(self, told: Sequence[Answer]) -> str | None:
        """Give the one place that all answers lead to."""
        refused = [one for one in told if one.status != HTTPStatus.SEE_OTHER]
        assert {one.status for one in refused} <= {HTTPStatus.CONFLICT}, refused
        ways = {one.location for one in told if one not in refused}
        assert len(ways) <= 1, ways
        return ways.pop() if ways else None


def _check_refusals(told: Sequence[Answer], done: HTTPStatus, *codes: str) -> None:
    """See that what was not done was refused for one of these reasons."""
    refused = [f"{one.status} {one.text}" for one in told if one.status != done]
    allowed = tuple(f'{HTTPStatus.CONFLICT.value} {{"code": "{code}"' for code in codes)
    assert all(one.startswith(allowed) for one in refused), refused


def _id_on(page: str) -> str:
    return page.rsplit("/", 1)[-1]


def _encoded(fields: Mapping[str, str]) -> bytes:
    return urllib.parse.urlencode(fields).encode()
