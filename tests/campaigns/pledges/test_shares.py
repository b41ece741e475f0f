"""Who gets what is said before one pays and after, and is what the settlement then shares."""

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from octo.database import db
from octo.web.filters import rate
from payments.models import Settlement
from tests.campaigns.pledges.test_receipt_states import by_hand, receipt_of
from tests.make import Make
from tests.site import build_app, close, quickened
from tests.visitor import Visitor

WISH = {"amount": "15", "email": "lea@example.org"}
RATES = (
    "If the goal is reached, 91.6% of it goes to the campaign, and the platform keeps 8.4%: its "
    "fee of 7%, and 20% VAT on that fee."
)


def told_rates(client: Visitor, campaign: Campaign) -> set[str]:
    """Return what the campaign's page and the form say of what the platform keeps."""
    paths = (f"/campaigns/{campaign.slug}", f"/campaigns/{campaign.slug}/pledge")
    pages = [client.page(f"{path}?lang=en") for path in paths]
    lines = [page.xpath("//main//p[starts-with(., 'If the goal is reached')]") for page in pages]
    return {" ".join(line.text_content().split()) for (line,) in lines}


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (1, "All of it is for the campaign."),
        (33, "€0.31 is for the campaign, €0.02 for the platform: its fee of 7%."),
        (999_999, "€9,159.99 is for the campaign, €840.00 for the platform: its fee of 7%, and"),
    ],
)
def test_the_line_is_what_the_settlement_shares(
    make: Make, client: Visitor, amount: int, told: str
) -> None:
    campaign = make.live_campaign(goal=amount, days=20)
    pledge = by_hand(make, make.pledge(campaign, amount + 1_00, tip=3_00), 1_00)

    line = client.get(receipt_of(make, pledge)).text
    make.moment.advance(days=21)
    make.work()

    assert told in line
    settled = db.session.scalars(sa.select(Settlement)).one()
    assert settled.base_amount == amount
    for share in (settled.net_amount, amount - settled.net_amount):
        assert share in {0, amount} or f"€{share / 100:,.2f}" in line


def test_it_is_said_on_the_campaign_on_the_form_and_with_the_sums(
    make: Make, client: Visitor
) -> None:
    campaign = make.live_campaign()

    sums = client.submit(f"/campaigns/{campaign.slug}/pledge?lang=en", WISH).text

    assert told_rates(client, campaign) == {RATES}
    assert "€13.74 is for the campaign, €1.26 for the platform" in sums
    assert "All of it goes" not in sums


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    ("fee", "vat", "told"),
    [
        ("0", "0.2", "all of it goes to the campaign: the platform keeps nothing."),
        ("0.05", "0", "95% of it goes to the campaign, and the platform keeps its fee of 5%."),
        ("0.055", "0.055", "the platform keeps 5.8025%: its fee of 5.5%, and 5.5% VAT on"),
    ],
)
def test_every_campaign_tells_its_own_rates(
    make: Make, environ: dict[str, str], fee: str, vat: str, told: str
) -> None:
    campaign = make.live_campaign()
    draft = make.gathering_campaign()

    other = quickened(build_app({**environ, "OCTO_PLATFORM_FEE": fee, "OCTO_VAT": vat}))
    visitor = other.test_client()
    assert isinstance(visitor, Visitor)
    assert told_rates(visitor, campaign) == {RATES}
    said = visitor.get(f"/campaigns/{draft.slug}?lang=en").text
    close(other)

    assert told in said


def test_a_rate_is_shown_as_it_is_set(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        assert [rate(one) for one in ("0.055", "0.07", "0.2", "0")] == [
            "5,5\u00a0%",
            "7\u00a0%",
            "20\u00a0%",
            "0\u00a0%",
        ]
