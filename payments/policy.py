"""The rules of a settlement and of what follows it: pure functions of what is known.

Documents follow the base. Whenever what a campaign collected changes after its settlement, the
next document is what the figures now are less what the documents say so far, so that their sum is
always exactly base - fee(base) - VAT(fee(base)): rounding is never done document by document.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus
from campaigns.policy.counting import what_counts
from octo.errors import N_, ConflictError
from octo.money import share
from payments.models import Block, DisputeStage, RefundReason

REPAIR_REMINDER_DAYS: Final = (3, 6)
OWNER_REMINDED_EVERY: Final = timedelta(days=7)
TRANSFER_PAUSE: Final = timedelta(minutes=5)
READINESS_LASTS: Final = timedelta(minutes=15)
DECIDE_BY: Final = timedelta(days=85)
OFFERED_BEFORE: Final = timedelta(days=14)
_ENDED_PLEDGES: Final = {
    PledgeStatus.CANCELED: RefundReason.BACKER_CANCELED,
    PledgeStatus.EXPIRED: RefundReason.SOLD_OUT,
}


class RefundTooLargeError(ConflictError):
    """More than what is left of the payment cannot be given back."""

    code = "refund_too_large"


class ContestedError(ConflictError):
    """A bank contests the payment: Stripe refunds nothing of it until the bank has judged."""

    code = "contested"


@dataclass(frozen=True)
class Figures:
    """The figures of a settlement document, in signed minor units of one currency."""

    gross_amount: int = 0
    refunds_amount: int = 0
    disputes_amount: int = 0
    base_amount: int = 0
    fee_amount: int = 0
    vat_amount: int = 0
    net_amount: int = 0
    tips_amount: int = 0

    def __sub__(self, other: "Figures") -> "Figures":
        names = [field.name for field in fields(self)]
        return Figures(**{name: getattr(self, name) - getattr(other, name) for name in names})

    @property
    def is_nothing(self) -> bool:
        """Tell whether a document of these figures would change nothing."""
        return not (self.base_amount or self.tips_amount)

    @property
    def is_credit(self) -> bool:
        """Tell whether these figures take something back."""
        return self.base_amount < 0 or (self.base_amount == 0 and self.tips_amount < 0)


def compute_figures(
    *,
    gross: int,
    refunds: int,
    disputes: int,
    fee_rate: Decimal,
    vat_rate: Decimal,
    tips: int = 0,
) -> Figures:
    """Compute what the owner gets: base less the platform's fee and the VAT on it.

    Fee and VAT are each rounded half up; processor fees are the platform's own, and so are tips.
    """
    base = what_counts(pledged=gross, refunded=refunds, withdrawn=disputes)
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
        tips_amount=tips,
    )


@dataclass(frozen=True)
class Split:
    """How a refund is shared between the campaign's funds, the tip and what is owed already."""

    funds_amount: int
    tip_amount: int
    owed_amount: int = 0


def split_refund(*, amount: int, funds_left: int, tip_left: int, is_late: bool = False) -> Split:
    """Take a refund from the campaign's funds first, then from the tip.

    A partial refund leaves the tip, which the backer gave to the platform, until the last. Money
    that came too late was never the campaign's: all of it is owed already.
    """
    if is_late:
        return Split(funds_amount=0, tip_amount=0, owed_amount=amount)
    assert 0 < amount <= funds_left + tip_left, "more than is left cannot be split"
    funds = min(amount, funds_left)
    return Split(funds_amount=funds, tip_amount=amount - funds)


def check_refundable(amount: int, *, left: int, is_contested: bool) -> None:
    """Raise ``ContestedError`` or ``RefundTooLargeError`` unless so much can be given back."""
    check_not_contested(is_contested=is_contested)
    if not 0 < amount <= left:
        raise RefundTooLargeError(
            N_("More than what is left of this payment cannot be given back.")
        )


def check_not_contested(*, is_contested: bool) -> None:
    """Raise ``ContestedError`` while a bank contests a payment."""
    if is_contested:
        raise ContestedError(
            N_("A bank contests this payment: nothing of it can be given back until it has judged.")
        )


def reason_given_back(*, outcome: Outcome, was_settled: bool) -> RefundReason:
    """Return why a campaign gives everything back; one that has a document had succeeded first."""
    if outcome is Outcome.CANCELED:
        return RefundReason.CAMPAIGN_CANCELED
    return RefundReason.OWNER_NOT_PAID if was_settled else RefundReason.GOAL_MISSED


def reason_after_dispute(*, is_late: bool, pledge_status: PledgeStatus) -> RefundReason | None:
    """Return why what a bank has judged goes back at once, or nothing while the pledge stands."""
    if is_late:
        return RefundReason.TOO_LATE
    return _ENDED_PLEDGES.get(pledge_status)


def stage_of_dispute(outcome: Outcome | None, *, is_owner_paid: bool) -> DisputeStage:
    """Return when a bank takes money, which decides whom it is missing to."""
    if outcome is None:
        return DisputeStage.BEFORE_VERDICT
    if outcome is not Outcome.SUCCEEDED:
        return DisputeStage.AFTER_FAILURE
    return DisputeStage.AFTER_TRANSFER if is_owner_paid else DisputeStage.BEFORE_TRANSFER


@dataclass(frozen=True)
class DisputeShares:
    """To whom the money that a bank holds is missing; the parts sum to what it withdrew."""

    funds_amount: int
    tip_amount: int
    owed_amount: int
    loss_amount: int


def share_dispute(
    *, withdrawn: int, funds_left: int, tip_left: int, owed_left: int
) -> DisputeShares:
    """Take a dispute from what is left of its payment, then from what its backer was owed.

    As with a refund the tip goes last. What remains was refunded before, or is more than was
    charged: the platform bears it.
    """
    funds = min(withdrawn, funds_left)
    tip = min(withdrawn - funds, tip_left)
    owed = min(withdrawn - funds - tip, owed_left)
    return DisputeShares(funds, tip, owed, withdrawn - funds - tip - owed)


@dataclass(frozen=True)
class OwnerShares:
    """How an amount for an owner is used; the parts sum to it.

    ``debt_amount`` ends what the owner owes, ``loss_amount`` what had been written off, and
    ``due_amount`` is to be paid.
    """

    debt_amount: int
    loss_amount: int
    due_amount: int


def share_with_owner(amount: int, *, debt: int, written_off: int) -> OwnerShares:
    """Use what comes to an owner: a debt first, then what the platform had given up."""
    assert amount >= 0, "what is taken from an owner is split by take_from_owner"
    restored = min(amount, debt)
    regained = min(amount - restored, written_off)
    return OwnerShares(restored, regained, amount - restored - regained)


@dataclass(frozen=True)
class OwnerTaking:
    """How an amount is taken from an owner: off what is not sent yet, the rest is owed."""

    unsent_amount: int
    debt_amount: int


def take_from_owner(amount: int, *, unsent: int) -> OwnerTaking:
    """Take off what was not sent yet; an owner who was paid it owes it."""
    assert amount >= 0, "what comes to an owner is split by share_with_owner"
    taken = min(amount, unsent)
    return OwnerTaking(taken, amount - taken)


def fitting(amounts: Sequence[int], *, most: int) -> set[int]:
    """Choose, in order, the amounts that fit whole into ``most``; return their positions."""
    chosen: set[int] = set()
    for position, amount in enumerate(amounts):
        if amount <= most:
            chosen.add(position)
            most -= amount
    return chosen


def reason_not_counted(
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


def obstacle_to_transfer(
    *,
    is_owner_ready: bool,
    available_at: datetime | None,
    at: datetime,
    is_covered: Callable[[], bool],
) -> tuple[Block, datetime | None] | None:
    """Return what a transfer waits for and until when, or nothing when it can be made at ``at``.

    ``is_covered`` tells whether the available balance, less what others draw from it, holds the
    amount; it is asked last, since it asks Stripe.
    """
    if not is_owner_ready:
        return Block.OWNER, None
    if available_at is not None and available_at > at:
        return Block.FUNDS, available_at
    return None if is_covered() else (Block.BALANCE, None)


def is_repair_open(
    pledge_status: PledgeStatus,
    campaign_status: CampaignStatus,
    *,
    ends_at: datetime | None,
    at: datetime,
) -> bool:
    """Tell whether a declined card may still be made good."""
    is_awaited = (
        pledge_status is PledgeStatus.ACTIVE and campaign_status is CampaignStatus.COLLECTING
    )
    return is_awaited and ends_at is not None and at < ends_at


def repair_reminders_due(*, began_at: datetime, ends_at: datetime, at: datetime) -> int:
    """Return how many reminders should have been sent by now; none once it is too late."""
    if at >= ends_at:
        return 0
    return sum(at >= began_at + timedelta(days=days) for days in REPAIR_REMINDER_DAYS)


def is_owner_reminder_due(reminded_at: datetime | None, *, at: datetime) -> bool:
    """Tell whether an owner who cannot be paid is to be asked again: at once, then weekly."""
    return reminded_at is None or at - reminded_at >= OWNER_REMINDED_EVERY


def is_readiness_stale(checked_at: datetime | None, *, at: datetime) -> bool:
    """Tell whether Stripe should be asked again: readiness can be lost, and won, unannounced."""
    return checked_at is None or at - checked_at > READINESS_LASTS


def paused_until(refused_at: datetime | None) -> datetime | None:
    """Return until when a transfer that Stripe refused is left alone."""
    return None if refused_at is None else refused_at + TRANSFER_PAUSE


@dataclass(frozen=True)
class LastDay:
    """Until when everything must be given back if the owner cannot be paid.

    Money may rest 90 days on a platform's balance, counted from the first charge.
    """

    offered_at: datetime
    decide_by: datetime

    @classmethod
    def after(cls, first_charge: datetime) -> "LastDay":
        """Count from the first charge."""
        decide_by = first_charge + DECIDE_BY
        return cls(offered_at=decide_by - OFFERED_BEFORE, decide_by=decide_by)
