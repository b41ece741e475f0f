"""How disputes, refusals, ledger accounts and events are called on the treasury's pages."""

from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext

from octo.errors import N_
from payments.documents.kinds import get_kind as get_document_kind
from payments.ledger import accounts, kinds
from payments.models import Dispute, DisputeStage, DisputeStatus, Settlement, SettlementKind
from payments.reconciliation.discrepancies import DifferenceKind
from treasury.queries import CampaignFilter

DISPUTE_NAMES: Final = {
    DisputeStatus.INQUIRY: N_("The bank asks, nothing is withdrawn"),
    DisputeStatus.OPENED: N_("Amount withdrawn, not judged yet"),
    DisputeStatus.WON: N_("Won"),
    DisputeStatus.LOST: N_("Lost"),
    DisputeStatus.CLOSED: N_("Closed without a loss"),
}
FILTER_NAMES: Final = {
    CampaignFilter.RUNNING: N_("Running"),
    CampaignFilter.SETTLING: N_("Being settled"),
    CampaignFilter.SETTLED: N_("Settled campaigns"),
    CampaignFilter.TROUBLED: N_("In trouble"),
}
DIFFERENCE_NAMES: Final = {
    DifferenceKind.MISSING_HERE: N_("Stripe has it, the ledger does not"),
    DifferenceKind.MISSING_THERE: N_("The ledger has it, Stripe does not"),
    DifferenceKind.DIFFERENT: N_("Both have it, and differ"),
    DifferenceKind.MISBOOKED: N_("Booked for another amount"),
    DifferenceKind.CHARGE_MISSING_HERE: N_("A charge without a payment here"),
    DifferenceKind.CHARGE_MISSING_THERE: N_("A payment without a charge at Stripe"),
    DifferenceKind.CHARGE_DIFFERENT: N_("The charge is not what the payment says"),
    DifferenceKind.CHARGED_TWICE: N_("Charged twice for one payment"),
    DifferenceKind.REFUND_MISSING_HERE: N_("A refund that is not known here"),
    DifferenceKind.REFUND_MISSING_THERE: N_("A refund that Stripe does not have"),
    DifferenceKind.REFUND_DIFFERENT: N_("The refund is not what was asked for"),
    DifferenceKind.REFUNDED_TWICE: N_("Refunded twice"),
    DifferenceKind.TRANSFER_MISSING_HERE: N_("A transfer that is not known here"),
    DifferenceKind.TRANSFER_MISSING_THERE: N_("A transfer that Stripe does not have"),
    DifferenceKind.TRANSFER_DIFFERENT: N_("The transfer is not what its document says"),
    DifferenceKind.TRANSFERRED_TWICE: N_("Transferred twice"),
    DifferenceKind.DISPUTE_MISSING_HERE: N_("A dispute that is not known here"),
    DifferenceKind.DISPUTE_MISSING_THERE: N_("A dispute that Stripe does not have"),
    DifferenceKind.DISPUTE_DIFFERENT: N_("The dispute is not what is written here"),
    DifferenceKind.ATTEMPT_MISSING: N_("The call that made it is missing here"),
    DifferenceKind.BALANCE_DIFFERENT: N_("Stripe's balance is not the sum of its movements"),
    DifferenceKind.BOOKS_BROKEN: N_("The ledger contradicts itself"),
    DifferenceKind.FORGOTTEN: N_("Stripe did it for us, and these books have forgotten it"),
}
DISPUTE_STAGES: Final = {
    DisputeStage.BEFORE_VERDICT: N_("Before the verdict: it does not count"),
    DisputeStage.BEFORE_TRANSFER: N_("Before the transfer: the owner is paid less"),
    DisputeStage.AFTER_TRANSFER: N_("After the transfer: the owner owes it"),
    DisputeStage.AFTER_FAILURE: N_("After the refunds: the platform bears it"),
}
FIELD_NAMES: Final = {
    "amount": N_("Amount, in cents"),
    "amount_reversed": N_("Amount taken back, in cents"),
    "available_at": N_("Available on"),
    "balance": N_("Balance, in cents"),
    "campaign": N_("Campaign"),
    "charge": N_("Charge"),
    "created_at": N_("Made on"),
    "currency": N_("Currency"),
    "destination": N_("Owner's Stripe account"),
    "document": N_("Document"),
    "fee": N_("Fee, in cents"),
    "movements": N_("Sum of the movements, in cents"),
    "net": N_("Net, in cents"),
    "occurred_at": N_("Made on"),
    "payment": N_("Payment"),
    "refund": N_("Refund"),
    "status": N_("State"),
    "transfer": N_("Transfer"),
    "type": N_("Kind"),
}
_LOOK: Final = N_(
    "Look it up at Stripe and here. Mend what is wrong there, or say what explains it."
)
ADVICE: Final = {
    DifferenceKind.MISSING_HERE: N_(
        "Look the movement up at Stripe. If somebody of yours made it, explain it; if nobody did, "
        "ask Stripe before money moves."
    ),
    DifferenceKind.MISSING_THERE: N_(
        "These books say that money moved which Stripe does not know of. Find out who wrote it; "
        "reverse it in the ledger if it never happened."
    ),
    DifferenceKind.CHARGED_TWICE: N_(
        "Refund the second charge at Stripe; it is taken in by itself. Then explain it."
    ),
    DifferenceKind.REFUNDED_TWICE: N_(
        "The backer has had this money twice. Ask for it back, or bear it, and explain it."
    ),
    DifferenceKind.TRANSFERRED_TWICE: N_(
        "Take the second transfer back at Stripe before anything else, and explain it."
    ),
    DifferenceKind.TRANSFER_MISSING_HERE: N_(
        "Somebody transferred money by hand that no document calls for. Take it back at Stripe, "
        "or explain it."
    ),
    DifferenceKind.BOOKS_BROKEN: N_(
        "Run flask ledger check. Somebody changed the database by hand, or a program is wrong: "
        "have it looked at before money moves."
    ),
    DifferenceKind.MISBOOKED: N_(
        "Run flask ledger check. Somebody changed the database by hand, or a program is wrong: "
        "have it looked at before money moves."
    ),
    DifferenceKind.FORGOTTEN: N_(
        "Bring it back with flask reconcile --import. Explain it only if that cannot be."
    ),
}
# Stripe's own codes; one that Stripe adds later is shown as it is.
DISPUTE_REASONS: Final = {
    "bank_cannot_process": N_("The bank cannot process it"),
    "credit_not_processed": N_("A refund that did not come"),
    "customer_initiated": N_("The backer asked their bank"),
    "debit_not_authorized": N_("Debit not authorised"),
    "duplicate": N_("Charged twice, the backer says"),
    "fraudulent": N_("The backer does not recognise it"),
    "general": N_("No reason given"),
    "incorrect_account_details": N_("Wrong account details"),
    "insufficient_funds": N_("Not enough money on the account"),
    "noncompliant": N_("Against the card network's rules"),
    "product_not_received": N_("Reward not received"),
    "product_unacceptable": N_("Reward not as described"),
    "subscription_canceled": N_("Subscription canceled"),
    "unrecognized": N_("The backer does not recognise it"),
}
FAILURE_REASONS: Final = {
    "disputed": N_("The bank took it back: Stripe refunds nothing of it any more"),
    "charge_for_pending_refund_disputed": N_("The payment is disputed"),
    "declined": N_("The bank declined it"),
    "expired_or_canceled_card": N_("Card expired or closed"),
    "insufficient_funds": N_("Not enough money on the account"),
    "lost_or_stolen_card": N_("Card lost or stolen"),
    "merchant_request": N_("Stopped at our request"),
    "unknown": N_("No reason given"),
}


def filter_choices() -> list[tuple[str, str]]:
    """Return how a treasurer may sort campaigns, as a page offers it."""
    return [(chosen.value, str(gettext(name))) for chosen, name in FILTER_NAMES.items()]


def dispute_name(status: DisputeStatus) -> str:
    """Return how a dispute stands."""
    return str(gettext(DISPUTE_NAMES[status]))


def dispute_stage(dispute: Dispute) -> str:
    """Return when the bank first took money back, which decides whom it is missing to."""
    return str(gettext(DISPUTE_STAGES[dispute.stage])) if dispute.stage else "—"


def document_name(settlement: Settlement) -> str:
    """Return what kind of document this is; a settlement that follows another says so."""
    if settlement.kind is SettlementKind.SUPPLEMENTARY:
        return str(gettext(N_("Supplementary settlement")))
    return str(gettext(get_document_kind(settlement.document.kind).label))


def dispute_reason(dispute: Dispute) -> str:
    """Return why the bank contests a payment."""
    reason = dispute.reason or "general"
    return str(gettext(DISPUTE_REASONS.get(reason, reason)))


def failure_reason(reason: str | None) -> str:
    """Return why a refund did not arrive."""
    return str(gettext(FAILURE_REASONS.get(reason, reason))) if reason else "—"


def difference_name(kind: str) -> str:
    """Return how Stripe and the ledger differ."""
    return str(gettext(DIFFERENCE_NAMES[DifferenceKind(kind)]))


def event_name(kind: str) -> str:
    """Return the business event that a ledger transaction books."""
    return str(gettext(kinds.get_kind(kind).label))


def account_name(account: str) -> str:
    """Return what a ledger account is called, whoever it is kept for; its code if in no chart."""
    found = accounts.find_kind(account)
    return str(gettext(found.label)) if found else account


@dataclass(frozen=True)
class Side:
    """One thing on which both sides of a difference speak, as it is shown."""

    name: str
    stripe: str
    here: str


def sides_of(details: dict[str, Any]) -> list[Side]:
    """Return what Stripe says and what stands here, line by line; amounts in minor units."""
    stripe, here = details.get("stripe", {}), details.get("here", {})
    return [
        Side(
            str(gettext(FIELD_NAMES.get(name, name))),
            _shown(stripe.get(name)),
            _shown(here.get(name)),
        )
        for name in dict.fromkeys([*stripe, *here])
        if stripe.get(name) is not None or here.get(name) is not None
    ]


def advice_on(kind: str) -> str:
    """Return what to do about a difference."""
    return str(gettext(ADVICE.get(DifferenceKind(kind), _LOOK)))


def _shown(value: object) -> str:
    return "" if value is None else str(value)
