"""Every kind of ledger transaction shows wherever a treasurer looks: no table forgets one."""

import csv
import io
from enum import StrEnum

import pytest
from flask import Flask
from flask_babel import force_locale

from campaigns.models import Campaign
from octo.accounts.models import RoleName
from payments.ledger import kinds
from payments.ledger.accounts import Column
from tests.make import PASSWORD, Make
from tests.payments.accounting.books import Books
from tests.payments.accounting.every_kind import post_every_kind
from tests.visitor import Visitor
from treasury import labels
from treasury.pages import books as pages
from treasury.statements import statement


@pytest.fixture
def treasurer(client: Visitor, make: Make) -> Visitor:
    """Give someone who reads the books."""
    client.sign_in(make.user("Fatima", roles=(RoleName.TREASURER,)).email, PASSWORD)
    return client


@pytest.fixture
def names(app: Flask) -> list[str]:
    """Say each kind as a French treasurer reads it."""
    with app.test_request_context(), force_locale("fr"):
        return sorted(labels.event_name(kind.name) for kind in kinds.iter_kinds())


@pytest.fixture
def campaign(make: Make, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """Make a campaign to which all that can be booked has happened, shown on one screen."""
    monkeypatch.setattr(pages, "ROWS_ON_SCREEN", 100)
    campaign = make.live_campaign()
    post_every_kind(campaign)
    return campaign


def test_the_campaigns_page_shows_every_kind(
    treasurer: Visitor, campaign: Campaign, names: list[str]
) -> None:
    page = treasurer.page(f"/treasury/campaigns/{campaign.public_id}")

    assert set(names) <= {text.strip() for text in page.xpath("//table//td/text()")}


def test_the_statement_beside_a_document_shows_every_kind(
    treasurer: Visitor, campaign: Campaign, names: list[str]
) -> None:
    settlement = Books().settle(campaign, base=1_00)

    page = treasurer.page(f"/treasury/settlements/{settlement.document.number}")

    assert set(names) <= {text.strip() for text in page.xpath("//table//td/text()")}


def test_both_exports_tell_every_kind(
    treasurer: Visitor, campaign: Campaign, names: list[str]
) -> None:
    address = f"/treasury/campaigns/{campaign.public_id}/statement.csv?profile="

    excel = treasurer.get(f"{address}excel", buffered=True).get_data().decode("utf-8-sig")
    machine = treasurer.get(f"{address}machine", buffered=True).get_data().decode()

    *told, total = list(csv.reader(io.StringIO(excel), delimiter=";"))[1:]
    assert sorted(line[1] for line in told) == names
    assert total[1] == "Total"
    assert {row["event"] for row in csv.DictReader(io.StringIO(machine))} == kinds.kind_names()


def test_a_kind_moves_the_columns_of_the_statement_that_it_declares(campaign: Campaign) -> None:
    for row in statement.read_rows(campaign.id):
        moved = {column for column in Column if getattr(row, f"{column}_amount")}
        assert moved <= kinds.get_kind(row.event).columns, row


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, table in vars(labels).items()
        if isinstance(table, dict)
        and all(isinstance(key, StrEnum) for key in table)
        and name != "ADVICE"  # what it lacks gets a general one
    ],
)
def test_a_table_of_labels_has_one_for_each_state(name: str) -> None:
    table = getattr(labels, name)
    states: type[StrEnum] = type(next(iter(table)))

    assert table.keys() == set(states)
