"""How the money of one pledge stands, for its backer, and what may be done about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus


class Standing(StrEnum):
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
    Standing.UNPAID: {Act.PAY, Act.CANCEL},
    Standing.UNSAVED: {Act.PAY, Act.CANCEL},
    Standing.HELD: {Act.CANCEL},
    Standing.SAVED: {Act.CANCEL},
    Standing.DECLINED: {Act.REPAIR},
}
FOR_THE_CAMPAIGN: Final = frozenset(
    {
        Standing.UNPAID,
        Standing.UNSAVED,
        Standing.HELD,
        Standing.SAVED,
        Standing.CHARGING,
        Standing.CHARGED,
        Standing.DECLINED,
        Standing.DUE,
        Standing.COLLECTED,
    }
)
WITH_THE_BANK: Final = frozenset({Standing.WITHDRAWN, Standing.LOST})


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


def standings_of(
    status: PledgeStatus,
    collection: Collection,
    campaign: CampaignStatus,
    outcome: Outcome | None,
    money: MoneyFacts,
) -> tuple[Standing, ...]:
    """Return how a pledge stands, then how whatever of its money has left it does."""
    gone = tuple(_gone(money))
    is_all_gone = money.is_charged and money.left_amount == 0 and bool(gone)
    if status is PledgeStatus.REFUNDED:
        return gone or (Standing.GOES_BACK,)
    if is_all_gone and status in {PledgeStatus.ACTIVE, PledgeStatus.COLLECTED}:
        return gone
    return (_stands(status, collection, campaign, outcome, money), *gone)


def offered_acts(standings: tuple[Standing, ...]) -> frozenset[Act]:
    """Return what a backer may do; nothing is canceled that a bank has taken back."""
    acts = frozenset[Act]().union(*(ACTS.get(one, ()) for one in standings))
    return acts - {Act.CANCEL} if WITH_THE_BANK & set(standings) else acts


def _gone(money: MoneyFacts) -> Iterator[Standing]:
    if money.withdrawn_amount:
        yield Standing.WITHDRAWN if money.is_contested else Standing.LOST
    elif money.is_inquired:
        yield Standing.INQUIRED
    if money.owed_amount:
        yield Standing.OWED
    if money.paid_by_bank_amount:
        yield Standing.PAID_BY_BANK
    if money.returning_amount:
        yield Standing.RETURNING
    if money.returned_amount:
        yield Standing.RETURNED


def _stands(
    status: PledgeStatus,
    collection: Collection,
    campaign: CampaignStatus,
    outcome: Outcome | None,
    money: MoneyFacts,
) -> Standing:
    is_card_saved = collection is Collection.ON_SUCCESS
    match status:
        case PledgeStatus.PENDING:
            return Standing.UNSAVED if is_card_saved else Standing.UNPAID
        case PledgeStatus.EXPIRED:
            return Standing.EXPIRED_UNSAVED if is_card_saved else Standing.EXPIRED
        case PledgeStatus.CANCELED:
            return Standing.CANCELED if money.is_charged else Standing.CANCELED_UNCHARGED
        case PledgeStatus.RELEASED:
            return Standing.LEFT_OUT if outcome is Outcome.SUCCEEDED else Standing.RELEASED
        case PledgeStatus.COLLECTED:
            return Standing.COLLECTED
    return _stands_active(campaign, outcome, money, is_card_saved=is_card_saved)


def _stands_active(
    campaign: CampaignStatus, outcome: Outcome | None, money: MoneyFacts, *, is_card_saved: bool
) -> Standing:
    if money.is_declined:
        return Standing.DECLINED
    if campaign is CampaignStatus.COLLECTING:
        return Standing.CHARGED if money.is_charged else Standing.CHARGING
    if outcome is Outcome.SUCCEEDED:
        return Standing.DUE
    if outcome is not None:
        return Standing.GOES_BACK if money.is_charged else Standing.SPARED
    return Standing.SAVED if is_card_saved else Standing.HELD
