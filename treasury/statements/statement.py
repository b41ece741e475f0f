"""A campaign's statement: every ledger transaction that concerns it, and their totals.

Amounts are the campaign's own view, in signed minor units: gross + platform fee + VAT = net, and
net + what banks withdrew + what was transferred moves the running balance, which is what the
campaign holds for its owner; below zero, what its owner owes. Tips, and the processor fees that the
platform bears, stand apart. It is read row by row, so any number of rows fits in memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import InstrumentedAttribute, aliased

from campaigns.models import Campaign, Pledge
from octo.database import reading
from octo.errors import N_
from payments.accounting import chart
from payments.ledger import accounts, kinds
from payments.ledger.accounts import AccountKind, Column, Side
from payments.ledger.models import LedgerEntry, LedgerTransaction, StripeMovement
from payments.models import Dispute, Payment, Refund
from treasury.statements.delimited import EXCEL, Cell, Money, Profile, write_csv

ROWS_AT_A_TIME: Final = 500
_OF_A_DISPUTE: Final = frozenset({"dispute_id", "held_amount", "funds_amount", "contested_amount"})
_LOST: Final = ("dispute_lost:", "reversal:dispute_lost:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The money of one row, or of all of them together."""

    stripe_amount: int = 0
    gross_amount: int = 0
    tip_amount: int = 0
    processor_fee_amount: int = 0
    platform_fee_amount: int = 0
    vat_amount: int = 0
    net_amount: int = 0
    withdrawn_amount: int = 0
    transferred_amount: int = 0

    @property
    def change_amount(self) -> int:
        """Return by how much the balance moves."""
        return self.net_amount + self.withdrawn_amount + self.transferred_amount

    def __add__(self, other: "Amounts") -> "Amounts":
        names = [field.name for field in fields(Amounts)]
        return Amounts(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Amounts):
    """One ledger transaction as its campaign's treasurer reads it."""

    transaction_id: int
    occurred_at: datetime
    event: str
    reference: str
    pledge_id: str | None
    currency: str
    balance_amount: int
    stripe_balance_transaction_id: str | None
    stripe_object_id: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON can carry it; instants in ISO 8601, UTC."""
        return {**asdict(self), "occurred_at": self.occurred_at.isoformat()}


_HEADERS: Final = {
    "occurred_at": N_("Date"),
    "event": N_("Event"),
    "pledge_id": N_("Pledge"),
    "reference": N_("Reference"),
    "stripe_amount": N_("Amount moved at Stripe"),
    "gross_amount": N_("Gross"),
    "tip_amount": N_("Tip"),
    "processor_fee_amount": N_("Processor fee (borne by the platform)"),
    "platform_fee_amount": N_("Platform fee"),
    "vat_amount": N_("VAT"),
    "net_amount": N_("Net"),
    "withdrawn_amount": N_("Held by banks (disputes)"),
    "transferred_amount": N_("Paid to the owner"),
    "balance_amount": N_("Balance"),
    "currency": N_("Currency"),
    "stripe_balance_transaction_id": N_("Number of the Stripe movement"),
    "stripe_object_id": N_("Stripe object"),
}


def read_rows(campaign_id: int) -> Iterator[Row]:
    """Read a campaign's statement in the order in which things occurred."""
    with reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        statement = _select_rows(campaign).execution_options(yield_per=ROWS_AT_A_TIME)
        balance = 0
        banks = _Banks()
        for found in session.execute(statement).mappings():
            shown = {name: value for name, value in found.items() if name not in _OF_A_DISPUTE}
            row = Row(
                **shown,
                withdrawn_amount=banks.take(found),
                currency=campaign.currency,
                balance_amount=0,
            )
            balance += row.change_amount
            yield replace(row, balance_amount=balance)


def read_totals(campaign_id: int) -> Amounts:
    """Add a campaign's statement up."""
    return sum(read_rows(campaign_id), start=Amounts())


class _Banks:
    """What banks hold of a campaign, dispute by dispute, as the rows of its statement go by.

    An entry says how much a bank holds of a payment; the dispute, how much of that is the
    campaign's and not of the tip, nor more than was paid. Once it is lost the campaign bears it.
    """

    def __init__(self) -> None:
        self._held: dict[int, int] = {}

    def take(self, row: RowMapping) -> int:
        """Return what a row changes of the campaign's money, in minor units."""
        if row["reference"].startswith(_LOST):
            return -int(row["net_amount"])
        dispute_id = row["dispute_id"]
        if dispute_id is None:
            return 0
        before = self._held.get(dispute_id, 0)
        after = self._held[dispute_id] = before - row["stripe_amount"]
        return _campaigns_part(row, before) - _campaigns_part(row, after)


def _campaigns_part(row: RowMapping, held: int) -> int:
    """Return the campaign's part of what a bank holds; of one that gave all back, as if it held."""
    if row["held_amount"]:
        return int(held * row["funds_amount"] // row["held_amount"])
    return int(min(held, row["contested_amount"]))


def _select_rows(campaign: Campaign) -> sa.Select[Any]:
    """Select each transaction with what its entries do to the campaign's accounts.

    A pledge is found through what Stripe moved: a charge, or a refund or dispute of one.
    """
    moved = _effects(campaign)
    paid = aliased(Payment)
    refunded = aliased(Payment)
    contested = aliased(Payment)
    transaction = LedgerTransaction
    return (
        sa.select(
            transaction.id.label("transaction_id"),
            transaction.occurred_at,
            transaction.kind.label("event"),
            transaction.reference,
            Pledge.public_id.label("pledge_id"),
            StripeMovement.stripe_balance_transaction_id,
            StripeMovement.source.label("stripe_object_id"),
            sa.func.coalesce(StripeMovement.amount, 0).label("stripe_amount"),
            *(column for column in moved.c if column.name.endswith("_amount")),
            Dispute.id.label("dispute_id"),
            Dispute.withdrawn_amount.label("held_amount"),
            Dispute.funds_amount,
            contested.amount.label("contested_amount"),
        )
        .join(moved, moved.c.transaction_id == transaction.id)
        .outerjoin(StripeMovement, StripeMovement.transaction_id == transaction.id)
        .outerjoin(paid, paid.stripe_charge_id == StripeMovement.source)
        .outerjoin(Refund, Refund.stripe_refund_id == StripeMovement.source)
        .outerjoin(refunded, refunded.id == Refund.payment_id)
        .outerjoin(Dispute, Dispute.stripe_dispute_id == StripeMovement.source)
        .outerjoin(contested, contested.id == Dispute.payment_id)
        .outerjoin(
            Pledge,
            Pledge.id == sa.func.coalesce(paid.pledge_id, refunded.pledge_id, contested.pledge_id),
        )
        .order_by(transaction.occurred_at, transaction.id)
    )


def _effects(campaign: Campaign) -> sa.Subquery:
    """Sum, by transaction, what its entries add to the accounts of a campaign."""
    moved = {column: _moved_in(column, campaign) for column in Column}
    platform_fee, vat, held = (moved[one] for one in (Column.PLATFORM_FEE, Column.VAT, Column.NET))
    pays_owner = LedgerTransaction.kind.in_(
        [kind.name for kind in kinds.iter_kinds() if kind.pays_owner]
    )
    net = moved[Column.NET] = sa.case((pays_owner, 0), else_=held)
    return (
        sa.select(
            LedgerEntry.transaction_id,
            (net - platform_fee - vat).label("gross_amount"),
            *(amount.label(f"{column}_amount") for column, amount in moved.items()),
            sa.case((pays_owner, held), else_=0).label("transferred_amount"),
        )
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(LedgerTransaction.campaign_id == campaign.id)
        .group_by(LedgerEntry.transaction_id, LedgerTransaction.kind)
        .subquery("moved")
    )


def _moved_in(column: Column, campaign: Campaign) -> sa.ColumnElement[int]:
    """Add up what a column counts: credits less debits, so that what the campaign holds grows.

    What grows with the platform is taken from the campaign.
    """
    amount: sa.ColumnElement[int] = sa.literal(0)
    for kind in accounts.iter_kinds():
        if kind.column is not column:
            continue
        is_taken = kind.keeper == chart.PLATFORM and kind.normal_side is Side.CREDIT
        into, out_of = (
            sa.case((_is_of(side, kind, campaign), LedgerEntry.amount), else_=0)
            for side in (LedgerEntry.credit, LedgerEntry.debit)
        )
        amount = amount + (out_of - into if is_taken else into - out_of)
    return sa.cast(sa.func.sum(amount), sa.BigInteger())


def _is_of(
    side: InstrumentedAttribute[str], kind: AccountKind, campaign: Campaign
) -> sa.ColumnElement[bool]:
    """Say whether an entry's account is the one kept for this campaign, or whose it is."""
    keepers = {
        chart.PLATFORM: kind.name,
        chart.CAMPAIGN: f"{kind.name}:{campaign.public_id}",
        chart.OWNER: f"{kind.name}:{campaign.organisation.public_id}",
    }
    if account := keepers.get(kind.keeper):
        return side.in_((account,))
    return side.startswith(f"{kind.name}:", autoescape=True)


def write_statement(
    campaign_id: int, profile: Profile, *, translate: Callable[[str], str] = str
) -> Iterator[bytes]:
    """Write a campaign's statement as CSV; for people, dated in the campaign's time zone."""
    with reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
    lines = _write_lines(campaign, translate if profile is EXCEL else None)
    return write_csv(lines, profile, time_zone=ZoneInfo(campaign.time_zone))


def _write_lines(
    campaign: Campaign, translate: Callable[[str], str] | None
) -> Iterator[list[Cell]]:
    """Give the header and the rows; people get their language, and the totals below."""
    yield [translate(text) if translate else name for name, text in _HEADERS.items()]
    totals = Amounts()
    for row in read_rows(campaign.id):
        event = translate(kinds.get_kind(row.event).label) if translate else row.event
        yield _cells(row, {"event": event}, campaign.currency)
        totals += row
    if translate:
        yield _cells(totals, {"event": translate(N_("Total"))}, campaign.currency)


def _cells(amounts: Amounts, said: dict[str, str], currency: str) -> list[Cell]:
    cells = ((name, said.get(name, getattr(amounts, name, None))) for name in _HEADERS)
    return [Money(value, currency) if isinstance(value, int) else value for name, value in cells]
