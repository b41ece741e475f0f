"""A campaign from an empty account to its end, at the desks of all who have a hand in it."""

import re

import pytest

from octo.accounts.models import RoleName
from tests.browser.conftest import Invite
from tests.browser.person import PHONE, Person
from tests.browser.test_backer import pay_with
from tests.make import PASSWORD, Make
from tests.obligations import owner_of

pytestmark = pytest.mark.browser

OWNER = "nolwenn@example.org"
TITLE = "Les Ciseaux voyageurs"
COVER = "examples/campaigns/les-ciseaux-voyageurs/cover.png"
STORY = "## Une camionnette\n\n" + "Elle ira de bourg en bourg, avec un fauteuil et un bac. " * 4


def sign_up(owner: Person) -> None:
    """Make an account, confirm its address from the mail, and sign in."""
    owner.open("/register")
    owner.fill(name="Nolwenn Le Gall", email=OWNER, password=PASSWORD)
    owner.press("Create my account")
    owner.follow_mail(OWNER, "Confirm your e-mail address", "/confirm/")
    if owner.page.get_by_role("button", name="Confirm my address").count():
        owner.press("Confirm my address")
    if not owner.page.locator(".site-menu", has_text="Nolwenn").count():
        owner.sign_in(OWNER)


def draft(owner: Person) -> str:
    """Create the organisation and write the whole campaign; return its address."""
    owner.open("/owner/campaigns/new")
    owner.follow("Create an organisation")
    owner.fill(name="Les Ciseaux voyageurs", place="Brasparts")
    owner.press("Create it")
    owner.open("/owner/campaigns/new")
    owner.fill(title=TITLE, goal="3 200")
    owner.press("Begin the draft")
    owner.fill(summary="Un salon de coiffure roulant.", place="Brasparts", story=STORY)
    owner.press("Save and go on")
    owner.field("cover").set_input_files(COVER)
    owner.fill(cover_description="Une camionnette sur une place.")
    owner.press("Save and go on")
    owner.press("Save and go on")
    owner.fill(label="La camionnette", amount="3 200,00")
    owner.press("Save and go on")
    owner.follow("Add a reward")
    owner.fill(title="Une coupe", minimum="15", stock="40", delivery="2027-04")
    owner.press("Save the reward")
    owner.follow("Done")
    return owner.path


def decide(moderator: Person, act: str, reason: str) -> None:
    moderator.open("/moderation/")
    moderator.follow(TITLE)
    moderator.fill(reason=reason)
    moderator.press(act)


def support(neighbour: Person, slug: str, email: str) -> None:
    neighbour.open(f"/campaigns/{slug}")
    neighbour.follow("Support the launch")
    neighbour.fill(name="Gwenaëlle", email=email, word="Enfin !")
    neighbour.press("I stand behind it")
    neighbour.follow_mail(email, "Confirm your support", "/support/")
    neighbour.page.locator("main form button[type=submit]").first.click()
    neighbour.page.wait_for_load_state()


def test_a_campaign_goes_from_an_empty_account_to_its_first_pledge(
    invite: Invite, make: Make
) -> None:
    make.user("Yannick", email="moderator@example.org", roles=(RoleName.MODERATOR,))
    owner, moderator, neighbour = invite(), invite(), invite(PHONE)
    moderator.sign_in("moderator@example.org")

    sign_up(owner)
    at = draft(owner)
    owner.follow("Preview")
    owner.sees("Only you and your organisation see this page.", "€3,200", "Une coupe")
    slug = owner.path.rsplit("/", 1)[-1]
    owner.open(at)
    owner.press("Submit for review")
    decide(moderator, "Request changes", "Dites où ira la camionnette.")
    owner.open(at)
    owner.sees("The moderator asks for changes", "Dites où ira la camionnette.")
    owner.press("Submit for review")
    decide(moderator, "Approve", "")
    moderator.sees("Dites où ira la camionnette.", "Yannick")

    for email in ("ar@example.org", "men@example.org", "hag@example.org"):
        support(neighbour, slug, email)
    owner.open(at)
    owner.sees("3 of the 3 people needed", "Gwenaëlle")
    owner.press("Register with Stripe")
    owner.press("Give everything: verified")
    owner.sees("can be paid")
    owner.press("Launch the campaign")
    owner.sees("Latest pledges")

    neighbour.open(f"/campaigns/{slug}")
    neighbour.follow("Choose this reward")
    neighbour.fill(amount="15", tip="1", email="ar@example.org")
    neighbour.press("See the total")
    neighbour.press("Pay €16.00")
    pay_with(neighbour, "4242 4242 4242 4242")
    neighbour.sees("Thank you for your pledge")
    owner.open(at)
    owner.sees("€15.00")
    before = deadline_on(owner)
    owner.fill(days="5")
    owner.press("Move the deadline")
    assert deadline_on(owner) != before


def deadline_on(owner: Person) -> str:
    """Read the end of the campaign on its owner's page."""
    found = re.search(r"Ends on\s*(.+)", owner.page.locator("main").inner_text())
    assert found
    return found[1]


def test_an_owner_cancels_and_says_why(invite: Invite, make: Make) -> None:
    campaign = make.live_campaign()
    make.pledge(campaign, 15_00)
    owner = invite()
    owner.sign_in(owner_of(campaign).email)

    owner.open("/owner/")
    owner.follow(campaign.title)
    owner.unfold("Cancel the campaign")
    owner.fill(reason="La camionnette est vendue.")
    owner.press("Cancel the campaign")

    owner.sees("La camionnette est vendue.")
    make.work()
    visitor = invite(PHONE)
    visitor.open(f"/campaigns/{campaign.slug}")
    visitor.sees("This campaign was canceled: every backer gets everything back.")
