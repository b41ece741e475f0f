"""Somebody at a browser: what they open, type, press and see."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Download,
    Locator,
    Response,
    expect,
)

from demo.supervision import ROOT
from tests.make import PASSWORD

PICTURES: Final = ROOT / "screenshots"
PHONE: Final = "phone"
DESKTOP: Final = "desktop"
SIZES: Final = {PHONE: (390, 844), DESKTOP: (1280, 860)}
ANSWER_MS: Final = 15_000


class Person:
    """One person with a browser of their own, on a phone or at a desk."""

    def __init__(self, context: BrowserContext, site: str, *, device: str) -> None:
        context.set_default_timeout(ANSWER_MS)
        self.context = context
        self.device = device
        self.site = site
        self.troubles: list[str] = []
        self.page = context.new_page()
        context.on("response", self._note_answer)
        context.on("console", self._note_complaint)

    def open(self, path: str) -> None:
        answer = self.page.goto(path if "//" in path else self.site + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def fill(self, **entries: str) -> None:
        """Type into fields, by their names in the form."""
        for name, text in entries.items():
            self.field(name).fill(text)

    def field(self, name: str) -> Locator:
        return self.page.locator(f"main [name={name}]:visible").first

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f"main [name={name}][value={value}]").check()

    def press(self, label: str) -> None:
        """Press a button, then wait for what it leads to."""
        self.page.get_by_role("button", name=label, exact=True).first.click()
        self.page.wait_for_load_state()

    def follow(self, label: str) -> None:
        """Follow a link by its words, also one that looks like a button."""
        self.page.locator("a:visible", has_text=label).first.click()
        self.page.wait_for_load_state()

    def unfold(self, label: str) -> None:
        """Open what is folded away under a line of words."""
        self.page.locator("summary", has_text=label).first.click()

    def sees(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)

    def sees_not(self, text: str) -> None:
        expect(self.page.locator("body")).not_to_contain_text(text)

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def sign_in(self, email: str, password: str = PASSWORD, *, language: str = "English") -> None:
        self.open("/login")
        self.fill(email=email, password=password)
        self.page.locator("main form button[type=submit]").click()
        self.follow(language)
        assert self.path != "/login", f"{email} could not sign in"

    def open_mail(self, email: str, subject: str) -> None:
        """Find the newest mail to an address in the demo's mailbox, and open it."""
        self.open(f"/dev/mail?to={email}")
        self.page.get_by_role("link", name=re.compile(subject)).first.click()
        self.page.wait_for_load_state()

    def follow_mail(self, email: str, subject: str, path: str) -> None:
        """Press the button of a mail as its reader sees it."""
        self.open_mail(email, subject)
        mail = self.page.frame_locator("iframe.mail-frame")
        with self.page.expect_navigation():
            mail.locator(f"a[href*='{path}']").first.click()

    def download(self, label: str) -> Download:
        with self.page.expect_download() as started:
            self.page.locator("a:visible", has_text=label).first.click()
        return started.value

    def is_scrolled_sideways(self) -> bool:
        """Say whether something on the page is wider than the screen."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def look_at(self, width: int, *, letters: int) -> None:
        """Look at the page ``width`` pixels wide, its letters at so many hundredths of their size.

        As a browser's own setting does: 100 % is 16 pixels where a style sheet says nothing.
        """
        _width, high = SIZES[self.device]
        self.page.set_viewport_size({"width": width, "height": high})
        self.page.evaluate(
            """letters => {
                const style = document.documentElement.style;
                style.removeProperty('font-size');
                const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
                style.setProperty('font-size', `${size * letters / 100}px`, 'important');
            }""",
            letters,
        )

    def picture(self, name: str) -> Path:
        """Take a picture of the whole page into the ignored folder of pictures."""
        PICTURES.mkdir(exist_ok=True)
        path = PICTURES / f"{name}-{self.device}.png"
        wide, high = SIZES[self.device]
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size(
            {"width": wide, "height": whole}
        )  # what sticks rests at the end
        self.page.screenshot(path=path, full_page=True, animations="disabled")
        self.page.set_viewport_size({"width": wide, "height": high})
        return path

    def _note_answer(self, answer: Response) -> None:
        if answer.status >= 500 or (answer.status == 404 and "/static/" in answer.url):
            self.troubles.append(f"{answer.request.method} {answer.url}: {answer.status}")

    def _note_complaint(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.troubles.append(f"{self.page.url}: {message.text}")
