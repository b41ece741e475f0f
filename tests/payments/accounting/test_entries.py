"""``docs/ledger.md`` line by line: each example there is made here and must match."""

import inspect
import re
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from octo.config import ROOT
from payments.accounting import entries
from payments.ledger import accounts
from payments.ledger.drafts import TransactionDraft
from payments.models import SettlementKind
from tests.payments.accounting.books import (
    NOON,
    campaign,
    dispute,
    movement,
    payment,
    refund,
    settlement,
    transfer,
)

Example = partial[TransactionDraft | None] | partial[TransactionDraft]
DOCUMENT: Final = (Path(ROOT) / "docs" / "ledger.md").read_text()


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of a table of the document."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


PAYMENT = payment(campaign(), amount=50_00, tip=2_00)
LATE = payment(campaign(), amount=50_00, tip=2_00, is_late=True)
WHOLE = refund(PAYMENT, funds=50_00, tip=2_00)
DISPUTE = dispute(PAYMENT, funds=50_00, tip=2_00)
DOCUMENT_OF_1000 = settlement(PAYMENT.campaign, base=1000_00, tips=40_00)
CREDIT_NOTE = settlement(PAYMENT.campaign, base=100_00, kind=SettlementKind.CREDIT_NOTE)

EXAMPLES: Final[dict[str, Example]] = {
    "A pledge of 50.00 with": partial(entries.charge, PAYMENT, movement(52_00, fee=1_03)),
    "The same, paid after": partial(entries.charge, LATE, movement(52_00, fee=1_03)),
    "A card saved with a pledge": partial(entries.charge, PAYMENT, movement(52_00, fee=1_03)),
    "The same pledge is paid a second": partial(entries.charge, LATE, movement(52_00, fee=1_03)),
    "The pledge and its tip": partial(entries.refund, WHOLE, movement(-52_00)),
    "20.00 of the pledge": partial(entries.refund, refund(PAYMENT, funds=20_00), movement(-20_00)),
    "Late money": partial(entries.refund, refund(LATE, owed=52_00), movement(-52_00)),
    "The refund comes back": partial(entries.refund_failed, WHOLE, movement(52_00)),
    "Stripe refuses the refund": partial(entries.refund_never_left, WHOLE, at=NOON),
    "A refund that failed": partial(entries.refund_paid_by_bank, WHOLE, at=NOON),
    "A campaign of 1,000.00": partial(entries.settlement, DOCUMENT_OF_1000),
    "A credit note": partial(entries.settlement, CREDIT_NOTE),
    "The settlement's net": partial(
        entries.transfer, transfer(DOCUMENT_OF_1000), movement(-916_00)
    ),
    "The transfer is taken": partial(entries.transfer_reversal, PAYMENT.campaign, movement(916_00)),
    "A bank takes back": partial(entries.dispute_withdrawn, DISPUTE, movement(-52_00, fee=15_00)),
    "The dispute is won": partial(entries.dispute_reinstated, DISPUTE, movement(52_00, fee=-15_00)),
    "The dispute is lost:": partial(entries.dispute_lost, DISPUTE, at=NOON),
    "A dispute of late": partial(entries.dispute_lost, dispute(LATE, funds=0, owed=52_00), at=NOON),
    "A dispute takes 55.00": partial(
        entries.dispute_lost, dispute(PAYMENT, funds=50_00, tip=2_00, loss=3_00), at=NOON
    ),
    "The owner was paid": partial(entries.settlement, CREDIT_NOTE, debt_amount=-91_60),
    "The dispute that led": partial(
        entries.settlement,
        settlement(PAYMENT.campaign, base=100_00),
        debt_amount=60_00,
        loss_amount=11_60,
    ),
    "40.00 of the transfer": partial(
        entries.transfer_reversal, PAYMENT.campaign, movement(40_00), debt_amount=40_00
    ),
    "A transfer of 91.60 is": partial(
        entries.transfer_reversal,
        PAYMENT.campaign,
        movement(91_60),
        debt_amount=40_00,
        loss_amount=20_00,
    ),
    "The owner's debt is written": partial(
        entries.debt_written_off, PAYMENT.campaign, 52_00, act="act_1", at=NOON
    ),
    "A transfer under way": partial(
        entries.debt_offset,
        PAYMENT.campaign,
        debt_amount=91_60,
        loss_amount=0,
        act="trf_1:9160",
        at=NOON,
    ),
    "The operator tops": partial(entries.topup, movement(500_00, kind="topup")),
    "300.00 leave": partial(entries.platform_payout, movement(-300_00, kind="payout")),
    "They arrive": partial(entries.platform_payout_paid, "po_1", 300_00, "EUR", at=NOON),
    "They are sent back": partial(entries.platform_payout_failed, movement(300_00)),
    "Stripe charges 2.00": partial(entries.stripe_fee, movement(-2_00, kind="stripe_fee")),
}


def _written(draft: TransactionDraft) -> list[str]:
    return [
        f"{accounts.get_kind(entry.debit).name} ← {accounts.get_kind(entry.credit).name} "
        f"{entry.amount / 100:.2f}"
        for entry in draft.entries
    ]


@pytest.mark.parametrize(
    ("event", "rule", "entries"),
    [pytest.param(*row, id=row[0]) for row in rows_of("Business events")],
)
def test_the_documented_event_makes_the_documented_entries(
    event: str, rule: str, entries: str
) -> None:
    [example] = [made for start, made in EXAMPLES.items() if event.startswith(start)]
    draft = example()

    assert draft is not None
    assert _written(draft) == re.findall(r"`([^`]+)`", entries)
    assert example.func.__name__ == rule.strip("`")


def test_every_rule_and_every_example_is_documented() -> None:
    documented = {row[1].strip("`") for row in rows_of("Business events")}
    public = {
        name
        for name, rule in inspect.getmembers(entries, inspect.isfunction)
        if rule.__module__ == entries.__name__ and not name.startswith("_")
    }

    assert documented == public
    assert len(rows_of("Business events")) == len(EXAMPLES)


def test_the_chart_is_the_documented_one() -> None:
    keepers = {"the platform": "platform", "a campaign": "campaign", "an owner": "owner"}
    documented = {
        (name.strip("`"), kind, keepers[keeper], pcg, pca, column.strip("`"))
        for name, kind, keeper, pcg, pca, column in rows_of("Accounts")
    }

    assert documented == {
        (
            kind.name,
            kind.category,
            kind.keeper.name,
            kind.pcg_number,
            kind.pca_number,
            kind.column or "—",
        )
        for kind in accounts.iter_kinds()
    }


def test_what_was_owed_already_is_not_booked_again() -> None:
    assert entries.refund_never_left(refund(LATE, owed=52_00), at=NOON) is None


@pytest.mark.parametrize("account", ["", "nothing", "bank:cmp_1", "campaign_funds", "tips_held:"])
def test_what_is_not_in_the_chart_is_no_account(account: str) -> None:
    with pytest.raises(KeyError):
        accounts.get_kind(account)
