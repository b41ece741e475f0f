"""The treasurer's lists: a page at a time, searched, and sorted by what is still to be done."""

import pytest

from octo.accounts.models import RoleName
from octo.database import transaction
from payments.models import Freeze
from tests.make import PASSWORD, Make
from tests.visitor import Visitor
from treasury.pages import books

pytestmark = pytest.mark.both_engines


@pytest.fixture
def treasurer(client: Visitor, make: Make) -> Visitor:
    """Give someone who reads the books."""
    client.sign_in(make.user("Fatima", roles=(RoleName.TREASURER,)).email, PASSWORD)
    return client


def titles(treasurer: Visitor, query: str = "") -> list[str]:
    """Return the campaigns that the first table shows, in its order."""
    page = treasurer.page(f"/treasury{query}")
    return [str(link.text) for link in page.xpath("(//table)[1]//td[1]/a")]


def test_campaigns_are_searched_and_filtered(treasurer: Visitor, make: Make) -> None:
    running, settled = make.live_campaign(days=20), make.live_campaign(days=10)
    make.moment.advance(days=11)
    make.work()
    with transaction() as session:
        session.add(Freeze(campaign_id=running.id, reason="differs", frozen_at=make.moment.now()))

    assert titles(treasurer) == [running.title, settled.title]
    assert titles(treasurer, "?filter=running") == [running.title]
    assert titles(treasurer, "?filter=settled") == [settled.title]
    assert titles(treasurer, "?filter=troubled") == [running.title]
    assert titles(treasurer, f"?q={settled.title.split()[-1]}") == [settled.title]
    assert titles(treasurer, "?q=nobody") == []
    assert titles(treasurer, "?filter=nonsense&page=x") == [running.title, settled.title]


def test_long_lists_come_a_page_at_a_time(
    treasurer: Visitor, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "CAMPAIGNS_ON_SCREEN", 1)
    monkeypatch.setattr(books, "ROWS_ON_SCREEN", 1)
    last, first = make.live_campaign(days=20), make.live_campaign(days=10)
    make.pledge(last, 15_00)
    make.pledge(last, 25_00)

    overview = treasurer.page("/treasury")
    following = overview.xpath("//a[@rel='next']/@href")
    campaign = treasurer.page(f"/treasury/campaigns/{last.public_id}?payments=2")

    assert titles(treasurer) == [last.title]
    assert titles(treasurer, str(following[0]).removeprefix("/treasury")) == [first.title]
    assert campaign.xpath("(//table)[1]//td[3]//text()")[0] == "15,00\u00a0€"
    assert len(campaign.xpath("(//table)[2]//tbody/tr")) == 2  # one charge: the pledge, and its fee
    assert "ledger=1&payments=1" in campaign.xpath("//a[@rel='prev']/@href")[0]
