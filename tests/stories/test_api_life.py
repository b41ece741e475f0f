"""A campaign's whole life through the API alone, by the programs of everybody concerned."""

import io
from dataclasses import dataclass
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from octo.accounts.models import Organisation, RoleName
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.program import Program

STORY = "Une camionnette équipée ira de bourg en bourg, avec un fauteuil et un bac. " * 4
OWNER, BACKER = "lena@example.org", "riwal@example.org"
GUEST, FRIEND = "nolwenn@example.org", "a.friend@example.org"

pytestmark = pytest.mark.dates


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


def mailed_token(mailbox: Mailbox, email: str, path: str) -> str:
    """Return the last part of the newest link mailed to an address."""
    return mailbox.link_to(email, path).rsplit("/", 1)[-1]


def sign_up(app: Flask, mailbox: Mailbox, email: str, name: str) -> Program:
    """Sign up, confirm the address and sign in, as a newcomer's program does."""
    program = Program(app)
    account = {"email": email, "name": name, "password": PASSWORD}
    program.post("/accounts", account, status=HTTPStatus.ACCEPTED)
    unconfirmed = {"email": email, "password": PASSWORD}
    assert program.code("POST", "/tokens", unconfirmed) == "403 not_confirmed"
    token = mailed_token(mailbox, email, "/confirm/")
    program.post("/accounts/confirmation", {"token": token}, status=HTTPStatus.NO_CONTENT)
    return program.sign_in(email)


def write_campaign(owner: Program, organisation_id: str) -> str:
    """Write a whole campaign and return its address."""
    campaign = owner.post(
        "/campaigns",
        {
            "organisation": organisation_id,
            "title": "Les Ciseaux voyageurs",
            "category": "solidarity",
            "goal_amount": 90_00,
            "duration_days": 20,
        },
        status=HTTPStatus.CREATED,
    )
    at = f"/campaigns/{campaign['id']}"
    owner.patch(at, {"summary": "Un salon roulant.", "story": STORY, "place": "Brasparts"})
    send_cover(owner, at)
    owner.put(f"{at}/cost-lines", {"cost_lines": [{"label": "La camionnette", "amount": 90_00}]})
    return at


def send_cover(owner: Program, at: str) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(picture, "PNG")
    picture.seek(0)
    sent = {"cover": (picture, "cover.png"), "description": "Une camionnette."}
    answer = owner.ask("PUT", f"{at}/cover", data=sent)
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert "/media/" in answer.get_json()["cover_url"]


def gather(app: Flask, mailbox: Mailbox, at: str, email: str) -> None:
    """Support a campaign as somebody without an account."""
    program = Program(app)
    supporter = {"email": email, "name": "Gwenaëlle", "word": "Enfin !"}
    program.post(f"{at}/supporters", supporter, status=HTTPStatus.ACCEPTED)
    token = mailed_token(mailbox, email, "/support/")
    program.post("/supporters/confirmation", {"token": token})


@dataclass
class Cast:
    """The programs of everybody concerned, and where the campaign is."""

    owner: Program
    backer: Program
    guest: Program
    moderator: Program
    treasurer: Program
    at: str = ""


def come_in(app: Flask, make: Make, mailbox: Mailbox) -> Cast:
    """Have everybody sign up; an admin gives two of them their roles."""
    admin = Program(app).sign_in(make.user(roles=(RoleName.ADMIN,)).email)
    cast = Cast(
        owner=sign_up(app, mailbox, OWNER, "Léna Riou"),
        backer=sign_up(app, mailbox, BACKER, "Riwal Le Dû"),
        guest=Program(app),
        moderator=sign_up(app, mailbox, "yannick@example.org", "Yannick Kerbrat"),
        treasurer=sign_up(app, mailbox, "maiwenn@example.org", "Maïwenn Le Gall"),
    )
    for program, role in ((cast.moderator, "moderator"), (cast.treasurer, "treasurer")):
        person = program.get("/me")["id"]
        assert program.code("GET", "/users") == "403 forbidden"
        change = {"role": role, "reason": "Élection de mai."}
        assert admin.post(f"/users/{person}/grants", change)["roles"] == [role]
    return cast


def write_and_submit(cast: Cast, mailbox: Mailbox) -> None:
    """Found an organisation, write its campaign, and pass the review at the second reading."""
    association = {"name": "Les Ciseaux", "legal_form": "association", "place": "Brasparts"}
    organisation = cast.owner.post("/organisations", association, status=HTTPStatus.CREATED)
    at_organisation = f"/organisations/{organisation['id']}"
    invited = {"email": BACKER, "role": "deliver"}
    cast.owner.post(f"{at_organisation}/invitations", invited, status=202)
    token = mailed_token(mailbox, BACKER, "/account/invitations/")
    assert cast.guest.get(f"/invitations/{token}")["organisation_name"] == "Les Ciseaux"
    acceptance = f"/invitations/{token}/acceptance"
    assert cast.moderator.code("POST", acceptance) == "403 invited_somebody_else"
    cast.backer.post(acceptance)
    members = cast.owner.get(f"{at_organisation}/members")["items"]
    assert [one["role"] for one in members] == ["owner", "deliver"]
    cast.backer.post(f"{at_organisation}/departure", status=HTTPStatus.NO_CONTENT)

    cast.at = write_campaign(cast.owner, organisation["id"])
    reward = {"title": "Une coupe", "minimum_amount": 35_00, "stock": 2}
    added = cast.owner.post(f"{cast.at}/rewards", reward, status=HTTPStatus.CREATED)
    cast.owner.put(f"{cast.at}/rewards/{added['id']}", reward | {"minimum_amount": 30_00})
    assert cast.owner.get(f"{cast.at}/standing")["missing"] == []
    cast.owner.post(f"{cast.at}/submission")
    waiting = cast.moderator.get("/moderation/queue")["items"]
    assert [one["title"] for one in waiting] == ["Les Ciseaux voyageurs"]
    wish = "Dites où ira la camionnette."
    decide(cast, "request_changes", wish)
    assert cast.owner.get(f"{cast.at}/standing")["review_note"] == wish
    cast.owner.patch(cast.at, {"story": STORY + " Elle ira à Loqueffret et à Botmeur."})
    cast.owner.post(f"{cast.at}/submission")
    assert decide(cast, "approve") == "gathering"


def decide(cast: Cast, act: str, reason: str = "") -> str:
    """Decide as the moderator, and return the campaign's status after it."""
    body = {"act": act, "reason": reason}
    decided = cast.moderator.post(f"/moderation{cast.at}/decisions", body)
    return str(decided["campaign"]["status"])


def gather_and_launch(
    cast: Cast, app: Flask, make: Make, mailbox: Mailbox, sandbox: SandboxClient
) -> None:
    """Gather three supporters, register with Stripe, launch; be suspended, resumed, extended."""
    for person in ("ar@example.org", "men@example.org", "hag@example.org"):
        gather(app, mailbox, cast.at, person)
    standing = cast.owner.get(f"{cast.at}/standing")
    assert (standing["has_supporters"], standing["is_owner_ready"]) == (True, False)
    assert cast.owner.code("POST", f"{cast.at}/launch") == "409 cannot_launch"
    assert cast.owner.post(f"{cast.at}/onboarding")["url"].startswith(sandbox.url)
    organisation = db.session.scalars(sa.select(Organisation)).one()
    sandbox.onboard(make.stripe_account(organisation))
    assert cast.owner.post(f"{cast.at}/onboarding/check")["is_owner_ready"]
    launched = cast.owner.post(f"{cast.at}/launch")["campaign"]
    assert launched["status"] == "live"
    assert decide(cast, "suspend", "Une question sur le lieu.") == "suspended"
    assert decide(cast, "resume") == "live"
    extended = cast.owner.post(f"{cast.at}/extension", {"days": 2})["campaign"]
    assert extended["deadline_at"] > launched["deadline_at"]
    assert cast.owner.code("POST", f"{cast.at}/extension", {"days": 2}) == "409 cannot_extend"


def pledge_and_pay(cast: Cast, sandbox: SandboxClient) -> str:
    """Pledge thrice and pay on Stripe's page; one is canceled. Return the id of the first."""
    found = cast.guest.get("/campaigns?q=ciseaux&stage=live")["items"]
    assert [f"/campaigns/{one['id']}" for one in found] == [cast.at]
    reward = cast.guest.get(f"{cast.at}/rewards")[0]
    wish = {"amount": 60_00, "reward": reward["id"], "tip_amount": 2_00, "name": "Riwal"}
    assert cast.backer.post(f"{cast.at}/pledge-sums", wish)["total_amount"] == 62_00
    mine = cast.backer.post(f"{cast.at}/pledges", wish, key="riwal-pledges", status=201)
    alone = {"amount": 40_00, "email": GUEST, "name": "Nolwenn", "visibility": "public"}
    theirs = cast.guest.post(f"{cast.at}/pledges", alone, key="nolwenn-pledges", status=201)
    last = cast.guest.post(f"{cast.at}/pledges", alone, key="nolwenn-again", status=201)
    for checkout in sandbox.every("/v1/checkout/sessions"):
        sandbox.pay(checkout["id"])

    receipt = cast.guest.get(f"/receipts/{theirs['receipt_token']}")
    assert (receipt["pledge"]["status"], receipt["payment"]["status"]) == ("active", "succeeded")
    cast.guest.get(f"/receipts/{last['receipt_token']}")
    ended = cast.guest.post(f"/receipts/{last['receipt_token']}/cancellation")
    assert ended["pledge"]["status"] == "canceled"
    assert cast.backer.get(f"/me/pledges/{mine['pledge']['id']}")["pledge"]["status"] == "active"
    received = cast.owner.get(f"{cast.at}/pledges")["items"]
    counted = {one["name"]: one["amount"] for one in received if one["status"] == "active"}
    assert counted == {"Riwal": 60_00, "Nolwenn": 40_00}
    shown = cast.guest.get(f"{cast.at}/backers")["items"]
    assert [(one["name"], one["amount"]) for one in shown] == [("Nolwenn", 40_00)]
    return str(mine["pledge"]["id"])


def read_the_books(cast: Cast, sandbox: SandboxClient) -> None:
    """Read the settlement as its treasurer does: document, transfer, statement, position."""
    number = cast.treasurer.get("/settlements")["items"][0]["number"]
    document = cast.treasurer.get(f"/settlements/{number}")
    names = ("gross", "refunds", "base", "fee", "vat", "net")
    figures = [document["settlement"][f"{name}_amount"] for name in names]
    assert figures == [140_00, 40_00, 100_00, 7_00, 1_40, 91_60]
    transfer = document["transfer"]
    assert (transfer["status"], transfer["amount"]) == ("succeeded", 91_60)
    assert [one["amount"] for one in sandbox.every("/v1/transfers")] == [91_60]

    lines = cast.treasurer.get(f"/treasury{cast.at}/statement")["items"]
    assert sum(line["net_amount"] + line["transferred_amount"] for line in lines) == 0
    assert lines[-1]["balance_amount"] == 0
    totals = cast.treasurer.get(f"/treasury{cast.at}/statement-totals")
    assert (totals["platform_fee_amount"], totals["vat_amount"]) == (-7_00, -1_40)
    csv = cast.treasurer.ask("GET", f"/treasury{cast.at}/statement.csv").text
    assert len(csv.splitlines()) == len(lines) + 1
    ledger = cast.treasurer.get(f"/treasury{cast.at}/ledger")["items"]
    assert {line["reference"] for line in lines} == {line["reference"] for line in ledger}
    position = cast.treasurer.get("/treasury/position")
    assert (position["owner_payable"], position["platform_fees"]) == (0, 7_00)


def test_a_campaign_lives_from_sign_up_to_settlement(
    app: Flask, make: Make, mailbox: Mailbox, moment: Moment, sandbox: SandboxClient
) -> None:
    cast = come_in(app, make, mailbox)
    write_and_submit(cast, mailbox)
    gather_and_launch(cast, app, make, mailbox, sandbox)
    sandbox.top_up(100_00)
    pledge_id = pledge_and_pay(cast, sandbox)

    for days in (23, 8):
        moment.advance(days=days)
        make.work()

    assert cast.owner.get(f"{cast.at}/standing")["campaign"]["status"] == "settled"
    assert cast.backer.get(f"/me/pledges/{pledge_id}")["pledge"]["status"] == "collected"
    read_the_books(cast, sandbox)
    trail = cast.moderator.get(f"/moderation{cast.at}/trail")["items"]
    acts = [act["action"].removeprefix("campaign.") for act in trail]
    assert acts[:5] == ["drafted", "submitted", "changes_requested", "submitted", "approved"]
    assert acts[5:9] == ["launched", "suspended", "resumed", "extended"]
    assert trail[2]["actor_name"] == "Yannick Kerbrat"
