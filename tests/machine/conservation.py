"""What must hold after each step, whatever went wrong: rules over our rows and Stripe's objects.

Each rule is a function that yields what breaks it, in words that name the rule. They read what
is committed, with statements of their own, and share no code with what they judge.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from campaigns.models import Campaign, Pledge, Reward
from octo.database import Base
from payments.ledger.models import LedgerCheckpoint, LedgerEntry, LedgerTransaction, StripeMovement
from payments.models import Attempt, Document, OwnerDebt, Payment, Refund, Settlement, Transfer
from stripe_sandbox.client import SandboxClient

Json = Any
Row = sa.Row[Any]
STRIPE_BALANCE: Final = "stripe_balance"


def _columns(model: type[Base], names: str) -> sa.Select[Any]:
    return sa.select(*(getattr(model, name) for name in names.split()))


_ROWS: Final = {
    "campaigns": _columns(
        Campaign,
        "id public_id status outcome pledged_amount backers_count goal_amount deadline_at",
    ),
    "rewards": _columns(Reward, "id taken_count stock"),
    "pledges": _columns(
        Pledge, "id public_id campaign_id reward_id status amount holds_reward canceled_at"
    ),
    "payments": _columns(
        Payment,
        "id public_id pledge_id campaign_id status amount tip_amount is_late refunded_amount"
        " refunded_tip_amount disputed_amount disputed_tip_amount is_contested"
        " stripe_charge_id charged_at",
    ),
    "refunds": _columns(
        Refund, "id public_id payment_id status amount reason resolution stripe_refund_id"
    ),
    "settlements": _columns(Settlement, "id document_id campaign_id kind net_amount"),
    "documents": _columns(Document, "id number campaign_id"),
    "transfers": _columns(
        Transfer, "id public_id campaign_id settlement_id status amount stripe_transfer_id"
    ),
    "debts": _columns(OwnerDebt, "campaign_id left_amount written_off_amount"),
    "attempts": _columns(Attempt, "id kind subject campaign_id status idempotency_key"),
    "transactions": _columns(LedgerTransaction, "id reference kind campaign_id"),
    "entries": _columns(LedgerEntry, "transaction_id debit credit amount currency"),
    "checkpoints": _columns(LedgerCheckpoint, "account currency balance through_id"),
    "movements": _columns(
        StripeMovement,
        "stripe_balance_transaction_id transaction_id source amount fee net currency",
    ),
}


@dataclass(frozen=True)
class Ours:
    """Every row that has to do with money, as committed."""

    campaigns: list[Row]
    rewards: list[Row]
    pledges: list[Row]
    payments: list[Row]
    refunds: list[Row]
    settlements: list[Row]
    documents: list[Row]
    transfers: list[Row]
    debts: list[Row]
    attempts: list[Row]
    transactions: list[Row]
    entries: list[Row]
    checkpoints: list[Row]
    movements: list[Row]

    @classmethod
    def read(cls, connection: sa.Connection) -> "Ours":
        rows = {name: connection.execute(wanted).all() for name, wanted in _ROWS.items()}
        return cls(**{name: list(found) for name, found in rows.items()})


@dataclass(frozen=True)
class Theirs:
    """Every object of Stripe's that has to do with money."""

    charges: list[Json]
    refunds: list[Json]
    transfers: list[Json]
    movements: list[Json]

    @classmethod
    def read(cls, sandbox: SandboxClient) -> "Theirs":
        return cls(
            charges=sandbox.every("/v1/charges"),
            refunds=sandbox.every("/v1/refunds"),
            transfers=sandbox.every("/v1/transfers"),
            movements=sandbox.every("/v1/balance_transactions"),
        )


def find_breaches(ours: Ours, theirs: Theirs) -> list[str]:
    """Return everything that breaks a rule."""
    return [breach for rule in RULES for breach in rule(ours, theirs)]


class History:
    """What was final when it was seen last; whoever was frozen meanwhile must not undo it."""

    def __init__(self) -> None:
        self._closed: set[int] = set()
        self._stripe_ids: dict[tuple[str, int], str] = {}

    def find_breaches(self, ours: Ours) -> list[str]:
        """Return everything that was final and is not any more; remember what is now."""
        closed = {one.id for one in ours.attempts if one.status in {"done", "failed"}}
        found = [f"attempt {number} was closed and is open" for number in self._closed - closed]
        self._closed = closed
        names = {
            **{("payment", one.id): one.stripe_charge_id for one in ours.payments},
            **{("refund", one.id): one.stripe_refund_id for one in ours.refunds},
            **{("transfer", one.id): one.stripe_transfer_id for one in ours.transfers},
        }
        for of, stripe_id in self._stripe_ids.items():
            if names[of] != stripe_id:
                found.append(f"{of} was {stripe_id} at Stripe and is {names[of]}")
        self._stripe_ids = {of: stripe_id for of, stripe_id in names.items() if stripe_id}
        return found


def _balances_are_kept(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Keep in a checkpoint the sum of the entries it stands for."""
    through = max((one.through_id for one in ours.checkpoints), default=0)
    summed: Counter[tuple[str, str]] = Counter()
    for entry in ours.entries:
        if entry.transaction_id <= through:
            summed[entry.debit, entry.currency] += entry.amount
            summed[entry.credit, entry.currency] -= entry.amount
    kept = {(one.account, one.currency): one.balance for one in ours.checkpoints}
    for account in kept.keys() | summed.keys():
        if kept.get(account, 0) != summed[account]:
            yield f"balance kept of {account}: {kept.get(account, 0)}, entries {summed[account]}"


def _movements_are_booked_once(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Book each movement of Stripe's once, and its net."""
    at_stripe = {one["id"]: one for one in theirs.movements}
    booked: Counter[int] = Counter()
    for entry in ours.entries:
        if STRIPE_BALANCE in {entry.debit, entry.credit}:
            sign = 1 if entry.debit == STRIPE_BALANCE else -1
            booked[entry.transaction_id] += sign * entry.amount
    for one in ours.movements:
        seen = at_stripe.get(one.stripe_balance_transaction_id)
        if seen is None:
            yield f"movement {one.stripe_balance_transaction_id} is not at Stripe"
        elif (seen["net"], seen["fee"], seen["source"]) != (one.net, one.fee, one.source):
            yield f"movement {one.stripe_balance_transaction_id} differs from Stripe's"
        if booked.pop(one.transaction_id, None) != one.net:
            yield f"movement {one.stripe_balance_transaction_id} is booked with another amount"
    for transaction_id, amount in booked.items():
        yield f"ledger transaction {transaction_id} moved {amount} that Stripe did not"


def _charges_are_never_over_refunded(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Give back at most what was charged."""
    back: Counter[str] = Counter()
    for refund in theirs.refunds:
        if refund["status"] not in {"failed", "canceled"}:
            back[refund["charge"]] += refund["amount"]
    for charge in theirs.charges:
        if back[charge["id"]] > charge["amount"]:
            yield f"charge {charge['id']} of {charge['amount']} gave {back[charge['id']]} back"


def _actions_are_done_once(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Make each refund and each transfer of ours once at Stripe."""
    for kind, objects in (("refund", theirs.refunds), ("transfer", theirs.transfers)):
        subjects = Counter(one["metadata"].get("octo_subject") for one in objects)
        del subjects[None]
        for subject, count in subjects.items():
            if count > 1:
                yield f"{kind} {subject} was made {count} times"


def _pledges_are_paid_once(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Charge each payment once."""
    paid = Counter(
        charge["metadata"].get("octo_payment") for charge in theirs.charges if charge["paid"]
    )
    for payment, count in paid.items():
        if count > 1:
            yield f"payment {payment} was charged {count} times"


def _campaigns_count_their_pledges(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Count what is left of the active pledges until the last verdict, to the cent."""
    gone = {
        one.pledge_id: one.refunded_amount
        - one.refunded_tip_amount
        + one.disputed_amount
        - one.disputed_tip_amount
        for one in ours.payments
        if one.status == "succeeded" and not one.is_late
    }
    counted: Counter[int] = Counter()
    backers: Counter[int] = Counter()
    for pledge in ours.pledges:
        if pledge.status == "active":
            counted[pledge.campaign_id] += pledge.amount - gone.get(pledge.id, 0)
            backers[pledge.campaign_id] += 1
    for one in ours.campaigns:
        found = (one.pledged_amount, one.backers_count)
        is_judged = one.outcome is not None and one.status != "collecting"
        if not is_judged and found != (counted[one.id], backers[one.id]):
            yield f"campaign {one.id} counts {found}, not {counted[one.id], backers[one.id]}"


def _stock_is_held(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Take as many units of a reward as pledges hold."""
    held = Counter(one.reward_id for one in ours.pledges if one.holds_reward)
    for reward in ours.rewards:
        if reward.taken_count != held[reward.id]:
            yield f"reward {reward.id}: {reward.taken_count} taken, {held[reward.id]} held"


def _payments_agree(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Have pledge, payment and Stripe's charge tell one story."""
    charges = {one["id"]: one for one in theirs.charges}
    asked: Counter[int] = Counter()
    for refund in ours.refunds:
        if refund.status != "canceled":
            asked[refund.payment_id] += refund.amount
    pledges = {one.id: one for one in ours.pledges}
    for payment in ours.payments:
        status = pledges[payment.pledge_id].status
        if payment.status != "succeeded":
            if asked[payment.id]:
                yield f"payment {payment.id} is {payment.status} and is refunded"
            continue
        charge = charges.get(payment.stripe_charge_id or "")
        if charge is None or not charge["paid"]:
            yield f"payment {payment.id} succeeded without a charge"
        elif charge["amount"] != payment.amount + payment.tip_amount:
            yield f"payment {payment.id} is of another amount than its charge"
        is_given_back = asked[payment.id] + payment.disputed_amount > 0 or payment.is_contested
        if status in {"pending", "expired", "canceled"} and not is_given_back:
            yield f"payment {payment.id} succeeded, its pledge is {status}, nothing goes back"


def _refunds_agree(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Say of a refund what Stripe says of it, or less."""
    at_stripe = {one["id"]: one for one in theirs.refunds}
    for refund in ours.refunds:
        seen = at_stripe.get(refund.stripe_refund_id or "")
        if refund.stripe_refund_id and seen is None:
            yield f"refund {refund.id} is not at Stripe"
        elif seen is not None and seen["amount"] != refund.amount:
            yield f"refund {refund.id} is of another amount at Stripe"
        elif refund.status == "succeeded" and (seen is None or seen["status"] == "pending"):
            yield f"refund {refund.id} is said to have succeeded and has not"


def _verdicts_hold(ours: Ours, theirs: Theirs) -> Iterator[str]:
    """Judge once every payment is resolved, and move money as the verdict says."""
    outcomes = {one.id: one.outcome for one in ours.campaigns}
    settling = {one.id for one in ours.campaigns if one.status in {"settling", "settled"}}
    for payment in ours.payments:
        is_open = payment.status in {"pending", "processing", "requires_action"}
        if is_open and payment.campaign_id in settling:
            yield f"campaign {payment.campaign_id} was judged while {payment.id} was open"
    payments = {one.id: one for one in ours.payments}
    pledges = {one.id: one for one in ours.pledges}
    for refund in ours.refunds:
        payment = payments[refund.payment_id]
        outcome = outcomes[payment.campaign_id]
        if refund.reason == "goal_missed" and outcome != "failed":
            yield f"refund {refund.id} is for a missed goal, the campaign is {outcome}"
        is_judged_out = refund.reason == "backer_canceled" and not payment.is_late
        if is_judged_out and pledges[payment.pledge_id].canceled_at is None:
            yield f"payment {payment.id} came in time and was not waited for"
    for transfer in ours.transfers:
        if transfer.stripe_transfer_id and outcomes[transfer.campaign_id] != "succeeded":
            yield f"transfer {transfer.id} was made and the campaign did not succeed"


RULES: Final = (
    _balances_are_kept,
    _movements_are_booked_once,
    _charges_are_never_over_refunded,
    _actions_are_done_once,
    _pledges_are_paid_once,
    _campaigns_count_their_pledges,
    _stock_is_held,
    _payments_agree,
    _refunds_agree,
    _verdicts_hold,
)
