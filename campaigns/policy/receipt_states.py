"""How the money of one pledge is doing, for its backer, and what may be done about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus


class ReceiptState(StrEnum):
    """Where a pledge stands, and below where the part of its money is that has left it.

    A pledge has one of the first, unless all of its money has left, and any of the last seven.
    """

    UNPAID = "unpaid"
    UNSAVED = "unsaved"
    HELD = "held"
    SAVED = "saved"
    CHARGING = "charging"
    CHARGED = "charged"
    DECLINED = "declined"
    DUE = "due"
    GOES_BACK = "goes_back"
    SPARED = "spared"
    COLLECTED = "collected"
    LEFT_OUT = "left_out"
    RELEASED = "released"
    CANCELED = "canceled"
    CANCELED_UNCHARGED = "canceled_uncharged"
    EXPIRED = "expired"
    EXPIRED_UNSAVED = "expired_unsaved"

    RETURNING = "returning"
    RETURNED = "returned"
    OWED = "owed"
    PAID_BY_BANK = "paid_by_bank"
    INQUIRED = "inquired"
    WITHDRAWN = "withdrawn"
    LOST = "lost"


class Act(StrEnum):
    """What a backer may do; whether a pledge can be canceled today is checked beside it."""

    PAY = "pay"
    REPAIR = "repair"
    CANCEL = "cancel"


ACTS: Final = {
    ReceiptState.UNPAID: {Act.PAY, Act.CANCEL},
    ReceiptState.UNSAVED: {Act.PAY, Act.CANCEL},
    ReceiptState.HELD: {Act.CANCEL},
    ReceiptState.SAVED: {Act.CANCEL},
    ReceiptState.DECLINED: {Act.REPAIR},
}
FOR_THE_CAMPAIGN: Final = frozenset(
    {
        ReceiptState.UNPAID,
        ReceiptState.UNSAVED,
        ReceiptState.HELD,
        ReceiptState.SAVED,
        ReceiptState.CHARGING,
        ReceiptState.CHARGED,
        ReceiptState.DECLINED,
        ReceiptState.DUE,
        ReceiptState.COLLECTED,
    }
)


@dataclass(frozen=True)
class MoneyFacts:
    """What is known of the money of one pledge; amounts in minor units, tips included.

    ``left_amount`` is what was neither refunded nor withdrawn, and ``counted_amount`` the
    campaign's part of it. The backer's bank holds ``withdrawn_amount``; it has not judged yet while
    ``is_contested``, and only asks while ``is_inquired``.
    """

    is_charged: bool = False
    is_declined: bool = False
    left_amount: int = 0
    counted_amount: int = 0
    returning_amount: int = 0
    returned_amount: int = 0
    owed_amount: int = 0
    paid_by_bank_amount: int = 0
    withdrawn_amount: int = 0
    is_contested: bool = False
    is_inquired: bool = False


def states_of(
    status: PledgeStatus,
    collection: Collection,
    campaign: CampaignStatus,
    outcome: Outcome | None,
    money: MoneyFacts,
) -> tuple[ReceiptState, ...]:
    """Return how a pledge stands, then how whatever of its money has left it does."""
    gone = tuple(_gone(money))
    is_all_gone = money.is_charged and money.left_amount == 0 and bool(gone)
    if status is PledgeStatus.REFUNDED:
        return gone or (ReceiptState.GOES_BACK,)
    if is_all_gone and status in {PledgeStatus.ACTIVE, PledgeStatus.COLLECTED}:
        return gone
    return (_state_of(status, collection, campaign, outcome, money), *gone)


def offered_acts(states: tuple[ReceiptState, ...]) -> frozenset[Act]:
    """Return what a backer may do; nothing is canceled while a bank contests it."""
    acts = frozenset[Act]().union(*(ACTS.get(one, ()) for one in states))
    return acts - {Act.CANCEL} if ReceiptState.WITHDRAWN in states else acts


def _gone(money: MoneyFacts) -> Iterator[ReceiptState]:
    if money.withdrawn_amount:
        yield ReceiptState.WITHDRAWN if money.is_contested else ReceiptState.LOST
    elif money.is_inquired:
        yield ReceiptState.INQUIRED
    if money.owed_amount:
        yield ReceiptState.OWED
    if money.paid_by_bank_amount:
        yield ReceiptState.PAID_BY_BANK
    if money.returning_amount:
        yield ReceiptState.RETURNING
    if money.returned_amount:
        yield ReceiptState.RETURNED


def _state_of(
    status: PledgeStatus,
    collection: Collection,
    campaign: CampaignStatus,
    outcome: Outcome | None,
    money: MoneyFacts,
) -> ReceiptState:
    is_card_saved = collection is Collection.ON_SUCCESS
    match status:
        case PledgeStatus.PENDING:
            return ReceiptState.UNSAVED if is_card_saved else ReceiptState.UNPAID
        case PledgeStatus.EXPIRED:
            return ReceiptState.EXPIRED_UNSAVED if is_card_saved else ReceiptState.EXPIRED
        case PledgeStatus.CANCELED:
            return ReceiptState.CANCELED if money.is_charged else ReceiptState.CANCELED_UNCHARGED
        case PledgeStatus.RELEASED:
            return ReceiptState.LEFT_OUT if outcome is Outcome.SUCCEEDED else ReceiptState.RELEASED
        case PledgeStatus.COLLECTED:
            return ReceiptState.COLLECTED
    return _state_of_active(campaign, outcome, money, is_card_saved=is_card_saved)


def _state_of_active(
    campaign: CampaignStatus, outcome: Outcome | None, money: MoneyFacts, *, is_card_saved: bool
) -> ReceiptState:
    if money.is_declined:
        return ReceiptState.DECLINED
    if campaign is CampaignStatus.COLLECTING:
        return ReceiptState.CHARGED if money.is_charged else ReceiptState.CHARGING
    if outcome is Outcome.SUCCEEDED:
        return ReceiptState.DUE
    if outcome is not None:
        return ReceiptState.GOES_BACK if money.is_charged else ReceiptState.SPARED
    return ReceiptState.SAVED if is_card_saved else ReceiptState.HELD
