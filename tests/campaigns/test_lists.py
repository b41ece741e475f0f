"""Every list reaches all that is in it, and says what it leaves out."""

import pytest
from flask import Flask

from campaigns.models import Campaign, Pledge, Visibility
from octo.database import db, transaction
from tests.campaigns.pledges.test_receipt_states import visitor
from tests.make import PASSWORD, Make
from tests.obligations import owner_of
from tests.visitor import Visitor


def crowded(make: Make, *, named: int, anonymous: int) -> Campaign:
    """Make a campaign with so many backers, some of them without a name."""
    campaign = make.live_campaign()
    first = make.pledge(campaign, 5_00)
    columns = [column.name for column in Pledge.__table__.columns if column.name != "id"]
    with transaction() as session:
        seed = session.get_one(Pledge, first.id)
        seed.name, seed.visibility = "Backer 0", Visibility.PUBLIC
        kept = {name: getattr(seed, name) for name in columns}
        for number in range(1, named + anonymous):
            copy = {"public_id": f"plg_{number}", "request_key": f"copy-{number}"}
            shown = Visibility.PUBLIC if number < named else Visibility.ANONYMOUS
            row = {**kept, **copy, "name": f"Backer {number}", "visibility": shown}
            session.add(Pledge(**row))
        session.get_one(Campaign, campaign.id).backers_count = named + anonymous
    return db.session.get_one(Campaign, campaign.id)


def names_on(client: Visitor, path: str, kind: str) -> list[str]:
    """Follow a list from page to page and return every name on it."""
    names: list[str] = []
    while path:
        page = client.page(path)
        names += page.xpath(f"{kind}//bdi/text()")
        path = next(iter(page.xpath("//a[@rel='next']/@href")), "")
    return names


def test_the_backers_left_out_are_counted_and_can_all_be_read(make: Make, client: Visitor) -> None:
    campaign = crowded(make, named=61, anonymous=8)

    page = client.get(f"/campaigns/{campaign.slug}?lang=en").text

    assert "And 45 more, some of them without a name." in page
    assert f"/campaigns/{campaign.slug}/backers" in page
    names = names_on(client, f"/campaigns/{campaign.slug}/backers", "//ul[@class='words']")
    assert sorted(names) == sorted(f"Backer {number}" for number in range(61))


def test_an_owner_reads_every_pledge(make: Make) -> None:
    campaign = crowded(make, named=550, anonymous=10)
    owner = visitor(make)
    owner.sign_in(owner_of(campaign).email, PASSWORD)

    names = names_on(owner, f"/owner/campaigns/{campaign.public_id}/pledges", "//table")

    assert len(names) == len(set(names)) == 560


def test_nothing_is_said_of_others_where_there_are_none(make: Make, client: Visitor) -> None:
    campaign = crowded(make, named=3, anonymous=0)

    assert "more, perhaps" not in client.get(f"/campaigns/{campaign.slug}?lang=en").text


@pytest.mark.parametrize(
    "path", ["/campaigns", "/login", "/treasury", "/owner", "/api", "/account"]
)
def test_an_address_is_the_same_with_a_slash_at_its_end(
    app: Flask, client: Visitor, path: str
) -> None:
    del app
    bare, slashed = client.get(path), client.get(f"{path}/")

    assert slashed.status_code == bare.status_code < 400
