"""What a backer is told of each state of a pledge: one table, for the receipt."""

from dataclasses import dataclass
from typing import Final

from flask_babel import gettext
from markupsafe import Markup

from campaigns.models import Pledge
from campaigns.pages.labels import decline_name
from campaigns.policy.receipt_states import MoneyFacts, ReceiptState
from campaigns.ports import PaymentView
from octo.errors import N_
from octo.web.filters import day, moment, money


@dataclass(frozen=True)
class Said:
    """A notice: how it sounds (``good``, ``note``, ``warn``, ``bad``), its heading, its text."""

    tone: str
    text: str
    heading: str = ""


SAID: Final = {
    ReceiptState.UNPAID: Said(
        "warn",
        N_("Nothing counts until it is. The page to pay on stays open until %(expires)s."),
        N_("Your payment is not finished."),
    ),
    ReceiptState.UNSAVED: Said(
        "warn",
        N_("Your pledge counts once it is. The page to save it on stays open until %(expires)s."),
        N_("Your card is not saved yet."),
    ),
    ReceiptState.HELD: Said(
        "good",
        N_(
            "%(left)s is paid and kept safe until %(day)s. If the goal is missed, all of it "
            "comes back to you."
        ),
    ),
    ReceiptState.SAVED: Said(
        "good",
        N_(
            "Your card is saved and nothing is charged. It will be, once, if the goal is reached "
            "on %(day)s; if not, it is forgotten."
        ),
    ),
    ReceiptState.CHARGING: Said("good", N_("The goal is reached: your card is being charged.")),
    ReceiptState.CHARGED: Said(
        "good",
        N_(
            "The goal is reached and your card was charged. The other cards follow until "
            "%(collected_by)s; if they fall short of the goal, all of it comes back to you."
        ),
    ),
    ReceiptState.DECLINED: Said(
        "bad",
        N_(
            "%(decline)s Nothing was taken. “%(title)s” has reached its goal and needs your "
            "pledge: pay %(total)s with the same card or another one until %(collected_by)s."
        ),
        N_("Your payment did not go through."),
    ),
    ReceiptState.DUE: Said(
        "good", N_("The goal is reached: your pledge of %(counted)s goes to the campaign.")
    ),
    ReceiptState.GOES_BACK: Said(
        "note", N_("The campaign does not go ahead: %(left)s comes back to your card.")
    ),
    ReceiptState.SPARED: Said(
        "note", N_("The campaign does not go ahead: your card will not be charged.")
    ),
    ReceiptState.COLLECTED: Said(
        "good", N_("The goal is reached: your pledge of %(counted)s has gone to the campaign.")
    ),
    ReceiptState.LEFT_OUT: Said(
        "note",
        N_(
            "Your payment did not go through in time, so the campaign goes on without your "
            "pledge. We no longer keep your card."
        ),
        N_("Nothing was charged."),
    ),
    ReceiptState.RELEASED: Said(
        "note",
        N_("The campaign does not go ahead. We no longer keep your card."),
        N_("Nothing was charged."),
    ),
    ReceiptState.CANCELED: Said("note", N_("You canceled this pledge on %(canceled)s.")),
    ReceiptState.CANCELED_UNCHARGED: Said(
        "note", N_("You canceled this pledge on %(canceled)s. Nothing was charged.")
    ),
    ReceiptState.EXPIRED: Said(
        "note",
        N_("The page to pay on is closed, and nothing counts."),
        N_("This pledge was not paid in time."),
    ),
    ReceiptState.EXPIRED_UNSAVED: Said(
        "note",
        N_("The page to save your card on is closed: nothing is charged."),
        N_("No card was saved in time."),
    ),
    ReceiptState.RETURNING: Said(
        "note",
        N_("%(returning)s is on its way back to your card; banks take up to ten days to show it."),
    ),
    ReceiptState.RETURNED: Said(
        "note",
        N_("%(returned)s was sent back to your card; banks take up to ten days to show it."),
    ),
    ReceiptState.OWED: Said(
        "bad",
        N_(
            "%(owed)s is yours and we keep it for you: answer the mail we sent you, and we will "
            "find another way."
        ),
        N_("Your bank returned your money to us."),
    ),
    ReceiptState.PAID_BY_BANK: Said(
        "note",
        N_(
            "Your card could not take your money back, so we have sent you %(paid_by_bank)s from "
            "our bank."
        ),
    ),
    ReceiptState.INQUIRED: Said(
        "note", N_("Your bank has a question about this payment. No money has moved.")
    ),
    ReceiptState.WITHDRAWN: Said(
        "warn",
        N_(
            "Your bank has taken %(withdrawn)s back while it looks into this payment. It decides "
            "what becomes of that money; until then we can send nothing back, and this pledge "
            "cannot be canceled."
        ),
        N_("You contest this payment with your bank."),
    ),
    ReceiptState.LOST: Said(
        "note",
        N_(
            "Your bank has taken %(withdrawn)s back for good, as you had asked it to. That money "
            "is with you, and does not go to the campaign."
        ),
    ),
}


def say(
    states: tuple[ReceiptState, ...], pledge: Pledge, payment: PaymentView | None
) -> list[Said]:
    """Return what a backer is told of these states, in the reader's language."""
    facts = _facts(pledge, payment)
    return [
        Said(said.tone, _with(said.text, facts), _with(said.heading, facts))
        for said in (SAID[one] for one in states)
    ]


def _with(sentence: str, facts: dict[str, object]) -> str:
    return Markup(gettext(sentence)) % facts if sentence else ""  # noqa: S704 - ours; facts are escaped


def _facts(pledge: Pledge, payment: PaymentView | None) -> dict[str, object]:
    campaign = pledge.campaign
    seen = payment.money if payment else MoneyFacts()
    repair = payment.repair if payment else None
    zone = campaign.time_zone
    amounts = {
        "total": pledge.total_amount,
        "left": seen.left_amount,
        "counted": seen.counted_amount,
        "returning": seen.returning_amount,
        "returned": seen.returned_amount,
        "owed": seen.owed_amount,
        "paid_by_bank": seen.paid_by_bank_amount,
        "withdrawn": seen.withdrawn_amount,
    }
    return {
        "title": campaign.title,
        "day": day(campaign.deadline_at, zone),
        "expires": moment(pledge.expires_at, zone),
        "canceled": day(pledge.canceled_at, zone),
        "collected_by": moment(campaign.collecting_ends_at, zone),
        "decline": decline_name(repair.reason) if repair else "",
        **{name: money(amount, pledge.currency) for name, amount in amounts.items()},
    }
