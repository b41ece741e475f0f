"""Every main page, looked at by axe and by the ruler, and kept as a picture."""

from collections.abc import Callable, Iterator
from importlib import resources
from typing import Final

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Invite
from tests.browser.gallery import Gallery
from tests.browser.person import DESKTOP, PHONE, SIZES, Person
from tests.make import Make
from tests.octo.mail.mailbox import Mailbox

pytestmark = pytest.mark.browser

# Pixels of width and letters in hundredths: the narrowest phone, large letters, a desk.
LOOKS: Final = ((320, 100), (SIZES[PHONE][0], 200), (SIZES[DESKTOP][0], 100))
GRAVE: Final = {"serious", "critical"}
AXE: Final = "axe_playwright_python"

Walk = Iterator[tuple[str, str]]
Look = Callable[[Person, str], object]


@pytest.fixture
def gallery(make: Make) -> Gallery:
    gallery = Gallery(make)
    gallery.end_one()
    return gallery


def public_pages(gallery: Gallery, make: Make) -> Walk:
    campaign = f"/campaigns/{gallery.live.slug}"
    yield "home", "/"
    yield "browse", "/campaigns"
    yield "campaign", campaign
    yield "pledge", f"{campaign}/pledge"
    yield "checkout", checkout_of(gallery, make)
    yield "receipt", receipt_of(gallery, make)
    yield "sign-up", "/register"
    yield "sign-in", "/login"
    yield "mailbox", "/dev/mail"


def checkout_of(gallery: Gallery, make: Make) -> str:
    """Return the address of Stripe's page for a new pledge."""
    session_id = make.open_checkout(make.pending_pledge(gallery.live, 15_00, tip=1_00))
    return str(make.moment.sandbox.get(f"/v1/checkout/sessions/{session_id}")["url"])


def receipt_of(gallery: Gallery, make: Make) -> str:
    """Return the path of the receipt that was mailed to a backer."""
    return Mailbox(make.app).link_to(gallery.pledge.email, "/pledges/")


def pages_of_owner(gallery: Gallery) -> Walk:
    draft = f"/owner/campaigns/{gallery.draft.public_id}"
    yield "owner", "/owner/"
    yield "owner-campaign", f"/owner/campaigns/{gallery.live.public_id}"
    yield "owner-draft", draft
    for step in ("text", "cover", "terms", "costs", "rewards", "rewards/new"):
        yield f"owner-draft-{step.replace('/', '-')}", f"{draft}/{step}"
    yield "account", "/account"
    team = f"/account/organisations/{gallery.draft.organisation.public_id}/team"
    yield "owner-team", team
    yield "owner-team-member", f"{team}/{gallery.owner.public_id}"


def pages_of_moderator(gallery: Gallery) -> Walk:
    yield "moderator", "/moderation/"
    yield "moderator-review", f"/moderation/{gallery.submitted.public_id}"


def pages_of_treasurer(gallery: Gallery) -> Walk:
    yield "treasurer", "/treasury"
    yield "treasurer-campaign", f"/treasury/campaigns/{gallery.ended.public_id}"
    yield "treasurer-settlement", f"/treasury/settlements/{gallery.settlement_number()}"


def walk(person: Person, gallery: Gallery, make: Make, look: Look) -> None:
    """Go through the pages of everybody, looking at each."""
    rooms = (
        (None, public_pages(gallery, make)),
        (gallery.owner, pages_of_owner(gallery)),
        (gallery.moderator, pages_of_moderator(gallery)),
        (gallery.treasurer, pages_of_treasurer(gallery)),
    )
    for user, pages in rooms:
        person.context.clear_cookies()
        if user is not None:
            person.sign_in(user.email, language="Français")
        for name, path in pages:
            person.open(path)
            look(person, name)


@pytest.mark.parametrize("device", [PHONE, DESKTOP])
def test_pictures_of_the_pages(invite: Invite, gallery: Gallery, make: Make, device: str) -> None:
    walk(invite(device, language="fr"), gallery, make, lambda person, name: person.picture(name))


def test_no_page_scrolls_sideways(invite: Invite, gallery: Gallery, make: Make) -> None:
    wide: list[str] = []

    def measure(person: Person, name: str) -> None:
        for width, size in LOOKS:
            person.look_at(width, letters=size)
            if person.is_scrolled_sideways():
                wide.append(f"{name}, {width} px wide with letters at {size} %")

    walk(invite(PHONE, language="fr"), gallery, make, measure)

    assert wide == []


def test_axe_finds_nothing_grave(invite: Invite, gallery: Gallery, make: Make) -> None:
    axe = resources.files(AXE).joinpath("axe.min.js").read_text(encoding="utf-8")
    found: list[str] = []

    def examine(person: Person, name: str) -> None:
        person.page.evaluate(axe)
        # Preloading writes imported sheets into the page, which its policy refuses.
        answer = person.page.evaluate("axe.run({preload: false})")
        found.extend(
            f"{name}: {one['id']}: {one['help']}: {one['nodes'][0]['html']}"
            for one in answer["violations"]
            if one["impact"] in GRAVE
        )

    walk(invite(PHONE, language="fr", has_scripts=True), gallery, make, examine)

    assert found == []


@pytest.mark.parametrize("late", ["css/pico.css", "pico.min.css", "css/forms.css"])
def test_a_sheet_that_comes_late_makes_no_page_ask_for_what_is_refused(
    invite: Invite, late: str
) -> None:
    reader = invite(PHONE)
    held: list[Route] = []
    reader.context.route(f"**/{late}*", lambda route: held.append(route))  # noqa: PLW0108 - it is written on
    with reader.page.expect_request(f"**/{late}*"):
        reader.page.goto(f"{reader.site}/campaigns", wait_until="commit")
    reader.page.wait_for_timeout(200)
    reader.page.locator(
        "main select"
    ).first.bounding_box()  # asks for a layout with the sheets that are there
    for route in held:
        route.continue_()
    reader.page.wait_for_load_state()
    assert held, late
