"""The rules of a settlement: pure functions of what is known."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from campaigns.models import Collection
from octo.money import share
from payments.models import RefundReason


@dataclass(frozen=True)
class Figures:
    """The figures of a settlement document, in minor units of one currency."""

    gross_amount: int
    refunds_amount: int
    disputes_amount: int
    base_amount: int
    fee_amount: int
    vat_amount: int
    net_amount: int


def settle(
    *, gross: int, refunds: int, disputes: int, fee_rate: Decimal, vat_rate: Decimal
) -> Figures:
    """Compute what the owner gets: base less the platform's fee and the VAT on it.

    Fee and VAT are each rounded half up; processor fees are the platform's own.
    """
    base = gross - refunds - disputes
    fee = share(base, fee_rate)
    vat = share(fee, vat_rate)
    return Figures(
        gross_amount=gross,
        refunds_amount=refunds,
        disputes_amount=disputes,
        base_amount=base,
        fee_amount=fee,
        vat_amount=vat,
        net_amount=base - fee - vat,
    )


@dataclass(frozen=True)
class Split:
    """How a refund is shared between the campaign's funds, the tip and what is owed already."""

    funds_amount: int
    tip_amount: int
    owed_amount: int = 0


def split_refund(*, amount: int, funds_left: int, tip_left: int) -> Split:
    """Take a refund from the campaign's funds first, then from the tip.

    A partial refund leaves the tip, which the backer gave to the platform, until the last.
    """
    assert 0 < amount <= funds_left + tip_left, "more than is left cannot be split"
    funds = min(amount, funds_left)
    return Split(funds_amount=funds, tip_amount=amount - funds)


def why_late(
    *,
    collection: Collection,
    charged_at: datetime,
    deadline_at: datetime | None,
    is_awaited: bool,
    is_paid: bool,
) -> RefundReason | None:
    """Return why a charge does not count, or nothing when it does.

    ``charged_at`` is Stripe's, in whole seconds: money paid with the pledge counts when it came
    before the deadline, whenever we learn of it. A saved card is charged after the deadline: its
    money counts while the campaign is collecting and awaits it, however long it took. Of two
    payments of one pledge the first that we learn of counts.
    """
    if is_paid:
        return RefundReason.PAID_TWICE
    if collection is Collection.ON_SUCCESS:
        return None if is_awaited else RefundReason.TOO_LATE
    is_late = deadline_at is None or charged_at >= deadline_at
    return RefundReason.TOO_LATE if is_late else None


class Step(StrEnum):
    """What is to be done about a campaign now."""

    TAKE_PLEDGES = "take pledges"
    WAIT = "wait"
    COLLECT = "collect"
    SETTLE = "settle"
    GIVE_BACK = "give back"


@dataclass(frozen=True)
class Standing:
    """All that decides what is to be done about a campaign.

    ``has_payments_in_flight``: of some payment, or of some card being saved, Stripe has not said
    its last word. ``is_window_open``: some saved card is neither charged nor beyond repair; it
    opens with the first verdict. ``is_collected_short``: what is collected, tips and what banks
    took back excluded, is below the goal.
    """

    collection: Collection
    is_over: bool
    is_canceled: bool
    is_goal_reached: bool
    has_payments_in_flight: bool
    is_window_open: bool
    is_collected_short: bool


def next_step(standing: Standing) -> Step:
    """Say what is to be done; ``docs/collection.md`` is the table of this function."""
    if not (standing.is_over or standing.is_canceled):
        return Step.TAKE_PLEDGES
    if standing.has_payments_in_flight:
        return Step.WAIT
    if standing.is_canceled or not standing.is_goal_reached:
        return Step.GIVE_BACK
    if standing.collection is Collection.ON_PLEDGE:
        return Step.SETTLE
    if standing.is_window_open:
        return Step.COLLECT
    return Step.GIVE_BACK if standing.is_collected_short else Step.SETTLE
