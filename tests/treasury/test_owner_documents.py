"""The owner reads the settlement, the credit note and the debt, with the treasury's own figures."""

import pytest

from stripe_sandbox.client import SandboxClient
from tests.campaigns.pledges.test_receipt_states import visitor
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import owner_of, sign_in_as_treasurer
from tests.octo.mail.mailbox import Mailbox
from tests.payments.owners.test_debts import NET_OF_80, paid_and_contested
from tests.visitor import Visitor


def cells(client: Visitor, path: str) -> list[str]:
    """Return what stands in the tables and facts of a page."""
    page = client.page(path)
    found = page.xpath("//main//td | //main//dd | //main//dt")
    return [" ".join(one.text_content().split()) for one in found]


def test_an_owner_reads_what_the_treasury_reads(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, _ = paid_and_contested(make, moment, sandbox)
    owner, treasurer = visitor(make), visitor(make)
    owner.sign_in(owner_of(campaign).email, PASSWORD)
    sign_in_as_treasurer(make, treasurer)

    home = f"/owner/campaigns/{campaign.public_id}"
    (documents,) = owner.page(home).xpath("//a[contains(@href, '/documents')]/@href")
    page = owner.page(documents)
    numbers = [one.rsplit("/", 1)[-1] for one in page.xpath("//table//a/@href")]

    assert len(numbers) == 2, "a settlement and a credit note"
    assert f"{NET_OF_80 // 100},{NET_OF_80 % 100:02}" in page.text_content()
    for number in numbers:
        mine = cells(owner, f"/owner/documents/{number}")
        assert mine == cells(treasurer, f"/treasury/settlements/{number}")
    theirs = treasurer.get(f"/treasury/campaigns/{campaign.public_id}/statement.csv", buffered=True)
    export = owner.get(f"{home}/statement.csv", buffered=True)
    assert export.get_data() == theirs.get_data() != b""


def test_every_mail_about_documents_leads_to_them(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, _ = paid_and_contested(make, moment, sandbox)
    owner = owner_of(campaign)
    client = visitor(make)
    client.sign_in(owner.email, PASSWORD)

    path = Mailbox(make.app).link_to(owner.email, "/owner/campaigns/")

    assert "/documents" in client.get(path, follow_redirects=True).text


@pytest.mark.parametrize("path", ["/owner/campaigns/{id}/documents", "/owner/documents/{number}"])
def test_nobody_else_reads_them(
    make: Make, moment: Moment, sandbox: SandboxClient, path: str
) -> None:
    campaign, _ = paid_and_contested(make, moment, sandbox)
    treasurer, stranger = visitor(make), visitor(make)
    sign_in_as_treasurer(make, treasurer)
    listed = treasurer.page(f"/treasury/campaigns/{campaign.public_id}")
    number = listed.xpath("//a/@href[contains(., '/settlements/')]")[0].rsplit("/", 1)[-1]
    other = make.live_campaign()
    stranger.sign_in(owner_of(other).email, PASSWORD)

    asked = path.format(id=campaign.public_id, number=number)

    assert stranger.get(asked).status_code in {403, 404}
    assert visitor(make).get(asked).status_code == 302


def test_before_the_goal_is_settled_there_is_nothing_yet_and_it_is_said(make: Make) -> None:
    campaign = make.live_campaign()
    owner = visitor(make)
    owner.sign_in(owner_of(campaign).email, PASSWORD)

    page = owner.get(f"/owner/campaigns/{campaign.public_id}/documents?lang=en")

    assert "No document yet." in page.text
