"""A campaign's statement: it adds up, line by line, and exports the same bytes every time."""

import csv
import io
from datetime import UTC, datetime

import pytest

from campaigns.models import Campaign
from octo.database import db
from payments.accounting import chart, entries
from payments.ledger.balances import balance_of
from tests.payments.accounting.books import Books, movement, transfer
from treasury.statements import statement
from treasury.statements.delimited import EXCEL, MACHINE, Money, Profile, write_csv

pytestmark = [pytest.mark.both_engines, pytest.mark.dates]


@pytest.fixture
def campaign(books: Books) -> Campaign:
    """Make a campaign that was paid, refunded in part, settled and transferred."""
    campaign = books.campaign()
    books.charge(campaign, amount=100_00, tip=2_00)
    books.refund(books.charge(campaign, amount=50_00), funds=50_00)
    document = books.settle(campaign, base=100_00, tips=2_00)
    seen = movement(-document.net_amount, kind="transfer", source="tr_1")
    books.adopt(seen, entries.transfer(transfer(document), seen))
    books.charge(books.campaign(), amount=7_00)
    db.session.rollback()
    return campaign


def export(campaign: Campaign, profile: Profile) -> bytes:
    return b"".join(statement.write_statement(campaign.id, profile))


def test_the_statement_tells_the_campaigns_money_and_no_other(campaign: Campaign) -> None:
    rows = sorted(statement.read_rows(campaign.id), key=lambda row: row.transaction_id)

    told = [(row.event, row.gross_amount, row.net_amount, row.transferred_amount) for row in rows]
    assert told == [
        ("charge", 100_00, 100_00, 0),
        ("charge", 50_00, 50_00, 0),
        ("refund", -50_00, -50_00, 0),
        ("settlement", 0, -8_40, 0),
        ("transfer", 0, 0, -91_60),
    ]
    assert (rows[0].tip_amount, rows[0].processor_fee_amount) == (2_00, -1_78)
    assert (rows[3].platform_fee_amount, rows[3].vat_amount, rows[3].tip_amount) == (
        -7_00,
        -1_40,
        -2_00,
    )
    assert rows[0].pledge_id is not None
    assert rows[1].pledge_id == rows[2].pledge_id != rows[0].pledge_id
    assert rows[4].stripe_object_id == "tr_1"


def test_every_row_and_the_totals_add_up(campaign: Campaign) -> None:
    balance = 0
    for row in statement.read_rows(campaign.id):
        assert row.gross_amount + row.platform_fee_amount + row.vat_amount == row.net_amount
        balance += row.net_amount + row.withdrawn_amount + row.transferred_amount
        assert row.balance_amount == balance

    totals = statement.read_totals(campaign.id)
    assert (totals.gross_amount, totals.net_amount, totals.transferred_amount) == (
        100_00,
        91_60,
        -91_60,
    )
    assert totals.change_amount == balance == 0
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert totals.stripe_amount == 102_00 + 50_00 - 50_00 - 91_60


def test_rows_come_in_the_order_in_which_things_occurred(campaign: Campaign) -> None:
    moments = [row.occurred_at for row in statement.read_rows(campaign.id)]

    assert moments == sorted(moments)
    assert all(moment.tzinfo is not None for moment in moments)


@pytest.mark.parametrize("profile", [EXCEL, MACHINE], ids=lambda profile: profile.name)
def test_exporting_twice_gives_the_same_bytes(campaign: Campaign, profile: Profile) -> None:
    assert export(campaign, profile) == export(campaign, profile)


def test_a_french_excel_opens_it(campaign: Campaign) -> None:
    written = export(campaign, EXCEL)

    assert written.startswith(b"\xef\xbb\xbf")
    lines = written.decode("utf-8-sig").split("\r\n")
    header, first, *_, last, end = lines
    assert header.startswith("Date;Event;Pledge;")
    assert first.startswith("24/11/2026;Pledge paid;plg_")
    assert ";100,00;" in first
    assert last.split(";")[1] == "Total"
    assert end == ""
    assert {line.count(";") for line in lines[:-1]} == {header.count(";")}


def test_a_program_reads_it(campaign: Campaign) -> None:
    text = export(campaign, MACHINE).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert "\r" not in text
    assert [row["event"] for row in rows].count("charge") == 2
    assert [row["balance_amount"] for row in rows][-1] == "0.00"
    assert datetime.fromisoformat(rows[0]["occurred_at"]).utcoffset() is not None


@pytest.mark.parametrize("text", ["=1+1", "+33", "-2", "@sum", "\tx", "\rx"])
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    [written] = write_csv([[text, Money(-12_50, "EUR")]], EXCEL)

    [[cell, number]] = csv.reader(
        io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"
    )
    assert cell == f"'{text}"
    assert number == "-12,50"


def test_any_number_of_lines_comes_in_pieces_with_one_mark() -> None:
    pieces = list(write_csv([["Ł", datetime(2026, 11, 24, tzinfo=UTC)]] * 1200, EXCEL))

    assert len(pieces) == 3
    assert b"".join(pieces).count(b"\xef\xbb\xbf") == 1
