"""Which entries each business event makes. Pure rules; ``docs/ledger.md`` is their table.

Every rule that takes a ``movement`` books Stripe's amount and Stripe's fee, so that its
entries on ``stripe_balance`` sum to Stripe's net. A fee is an entry of its own. What a kind is
besides its entries is declared in ``payments.accounting.kinds``.
"""

from collections.abc import Iterable
from datetime import datetime

from campaigns.models import Campaign
from payments.accounting import chart
from payments.ledger.drafts import EntryDraft, MovementFacts, TransactionDraft
from payments.models import Dispute, Payment, Refund, Settlement, SettlementKind, Transfer

Line = tuple[str, str, int]


def charge(payment: Payment, movement: MovementFacts) -> TransactionDraft:
    """Book a backer's money: the pledge is held for the campaign, the tip for its success.

    Late money belongs to the backer at once, tip included.
    """
    campaign = payment.campaign
    if payment.is_late:
        kind = "late_charge"
        lines = [(chart.STRIPE_BALANCE, chart.refunds_owed(campaign), payment.total_amount)]
    else:
        kind = "charge"
        lines = [
            (chart.STRIPE_BALANCE, chart.campaign_funds(campaign), payment.amount),
            (chart.STRIPE_BALANCE, chart.tips_held(campaign), payment.tip_amount),
        ]
    return _moved(f"charge:{payment.public_id}", kind, campaign, movement, lines)


def refund(refund: Refund, movement: MovementFacts) -> TransactionDraft:
    """Book money gone back to a backer, by the split recorded when it was decided."""
    campaign = refund.campaign
    lines = [
        (chart.campaign_funds(campaign), chart.STRIPE_BALANCE, refund.funds_amount),
        (chart.tips_held(campaign), chart.STRIPE_BALANCE, refund.tip_amount),
        (chart.refunds_owed(campaign), chart.STRIPE_BALANCE, refund.owed_amount),
    ]
    reference = f"refund:{refund.public_id}"
    return _moved(reference, "refund", campaign, movement, lines)


def refund_failed(refund: Refund, movement: MovementFacts) -> TransactionDraft:
    """Book a refund that came back: it is owed to the backer, never the campaign's again."""
    lines = [(chart.STRIPE_BALANCE, chart.refunds_owed(refund.campaign), refund.amount)]
    reference = f"refund_failed:{refund.public_id}"
    return _moved(reference, "refund_failed", refund.campaign, movement, lines)


def refund_never_left(refund: Refund, *, at: datetime) -> TransactionDraft | None:
    """Book a refund that Stripe refused and never moved: owed to the backer all the same.

    There is nothing to book of what was owed already.
    """
    owed = chart.refunds_owed(refund.campaign)
    lines = [
        (chart.campaign_funds(refund.campaign), owed, refund.funds_amount),
        (chart.tips_held(refund.campaign), owed, refund.tip_amount),
    ]
    entries = _entries(lines, refund.currency)
    if not entries:
        return None
    return TransactionDraft(
        reference=f"refund_never_left:{refund.public_id}",
        kind="refund_never_left",
        occurred_at=at,
        campaign_id=refund.campaign.id,
        entries=entries,
    )


def refund_paid_by_bank(refund: Refund, *, at: datetime) -> TransactionDraft:
    """Book a refund that failed as paid from the platform's bank, by an audited act."""
    lines = [(chart.refunds_owed(refund.campaign), chart.BANK, refund.amount)]
    return TransactionDraft(
        reference=f"refund_paid_by_bank:{refund.public_id}",
        kind="refund_paid_by_bank",
        occurred_at=at,
        campaign_id=refund.campaign.id,
        entries=_entries(lines, refund.currency),
    )


def settlement(
    settlement: Settlement, *, debt_amount: int = 0, loss_amount: int = 0
) -> TransactionDraft | None:
    """Book a settlement document: the base is shared out, and the tips become ours.

    A credit note carries what it takes back as positive amounts, and is booked the other way
    round. Of what comes to the owner, ``debt_amount`` ends what the owner owed and ``loss_amount``
    what was written off of it; a negative ``debt_amount`` is what an owner paid before now owes.
    """
    campaign = settlement.campaign
    funds = chart.campaign_funds(campaign)
    sign = -1 if settlement.kind is SettlementKind.CREDIT_NOTE else 1
    due = sign * settlement.net_amount - debt_amount - loss_amount
    lines = [
        (funds, chart.owner_payable(campaign), due),
        (funds, chart.owner_debt(campaign.organisation), debt_amount),
        (funds, chart.DISPUTE_LOSSES, loss_amount),
        (funds, chart.PLATFORM_FEES, sign * settlement.fee_amount),
        (funds, chart.VAT_COLLECTED, sign * settlement.vat_amount),
        (chart.tips_held(campaign), chart.TIPS, sign * settlement.tips_amount),
    ]
    entries = _entries(map(_right_way_round, lines), settlement.currency)
    if not entries:
        return None
    return TransactionDraft(
        reference=f"settlement:{settlement.document.number}",
        kind="credit_note" if sign < 0 else "settlement",
        occurred_at=settlement.document.issued_at,
        campaign_id=campaign.id,
        entries=entries,
    )


def transfer(transfer: Transfer, movement: MovementFacts) -> TransactionDraft:
    """Book what a settlement document pays to the owner's connected account."""
    campaign = transfer.campaign
    lines = [(chart.owner_payable(campaign), chart.STRIPE_BALANCE, -movement.amount)]
    reference = f"transfer:{transfer.public_id}"
    return _moved(reference, "transfer", campaign, movement, lines)


def transfer_reversal(
    campaign: Campaign, movement: MovementFacts, *, debt_amount: int = 0, loss_amount: int = 0
) -> TransactionDraft:
    """Book a transfer taken back: it ends what the owner owed, and the rest is due again.

    ``debt_amount`` of it was owed, ``loss_amount`` was written off before.
    """
    due = movement.amount - debt_amount - loss_amount
    lines = [
        (chart.STRIPE_BALANCE, chart.owner_payable(campaign), due),
        (chart.STRIPE_BALANCE, chart.owner_debt(campaign.organisation), debt_amount),
        (chart.STRIPE_BALANCE, chart.DISPUTE_LOSSES, loss_amount),
    ]
    kind = "debt_recovered" if debt_amount else "transfer_reversal"
    reference = f"transfer_reversal:{movement.stripe_balance_transaction_id}"
    return _moved(reference, kind, campaign, movement, lines)


def debt_written_off(
    campaign: Campaign, amount: int, *, act: str, at: datetime
) -> TransactionDraft:
    """Book what an owner owes and is let off, by an audited act, named by ``act``."""
    lines = [(chart.DISPUTE_LOSSES, chart.owner_debt(campaign.organisation), amount)]
    return TransactionDraft(
        reference=f"debt_written_off:{act}",
        kind="debt_written_off",
        occurred_at=at,
        campaign_id=campaign.id,
        entries=_entries(lines, campaign.currency),
    )


def debt_offset(
    campaign: Campaign, *, debt_amount: int, loss_amount: int, act: str, at: datetime
) -> TransactionDraft:
    """Book what an owner owes, or was let off, as deducted from a transfer that did not leave."""
    payable = chart.owner_payable(campaign)
    lines = [
        (payable, chart.owner_debt(campaign.organisation), debt_amount),
        (payable, chart.DISPUTE_LOSSES, loss_amount),
    ]
    return TransactionDraft(
        reference=f"debt_offset:{act}",
        kind="debt_offset",
        occurred_at=at,
        campaign_id=campaign.id,
        entries=_entries(lines, campaign.currency),
    )


def dispute_withdrawn(dispute: Dispute, movement: MovementFacts) -> TransactionDraft:
    """Book what a bank took back, until it judges; the dispute fee is ours."""
    campaign = dispute.payment.campaign
    lines = [(chart.disputed(campaign), chart.STRIPE_BALANCE, -movement.amount)]
    reference = f"dispute_withdrawn:{movement.stripe_balance_transaction_id}"
    return _moved(reference, "dispute_withdrawn", campaign, movement, lines)


def dispute_reinstated(dispute: Dispute, movement: MovementFacts) -> TransactionDraft:
    """Book a contested amount that came back, with its fee when Stripe returns it."""
    campaign = dispute.payment.campaign
    lines = [(chart.STRIPE_BALANCE, chart.disputed(campaign), movement.amount)]
    reference = f"dispute_reinstated:{movement.stripe_balance_transaction_id}"
    return _moved(reference, "dispute_reinstated", campaign, movement, lines)


def dispute_lost(dispute: Dispute, *, at: datetime) -> TransactionDraft:
    """Book a dispute that the bank gave to the backer, by the shares recorded on it.

    It leaves the campaign, its tips, or what this backer was owed; what was refunded before, or
    is more than was charged, is the platform's loss.
    """
    campaign = dispute.payment.campaign
    disputed = chart.disputed(campaign)
    lines = [
        (chart.campaign_funds(campaign), disputed, dispute.funds_amount),
        (chart.tips_held(campaign), disputed, dispute.tip_amount),
        (chart.refunds_owed(campaign), disputed, dispute.owed_amount),
        (chart.DISPUTE_LOSSES, disputed, dispute.loss_amount),
    ]
    return TransactionDraft(
        reference=f"dispute_lost:{dispute.stripe_dispute_id}",
        kind="dispute_lost",
        occurred_at=at,
        campaign_id=campaign.id,
        entries=_entries(lines, dispute.currency),
    )


def topup(movement: MovementFacts) -> TransactionDraft:
    """Book the operator's own money put on the Stripe balance."""
    lines = [(chart.STRIPE_BALANCE, chart.OPERATOR_FLOAT, movement.amount)]
    return _moved(_named(movement), "topup", None, movement, lines)


def platform_payout(movement: MovementFacts) -> TransactionDraft:
    """Book what leaves the Stripe balance for the platform's bank, while it is on its way."""
    lines = [(chart.PAYOUTS_IN_TRANSIT, chart.STRIPE_BALANCE, -movement.amount)]
    return _moved(_named(movement), "platform_payout", None, movement, lines)


def platform_payout_failed(movement: MovementFacts) -> TransactionDraft:
    """Book a payout that the bank sent back."""
    lines = [(chart.STRIPE_BALANCE, chart.PAYOUTS_IN_TRANSIT, movement.amount)]
    return _moved(_named(movement), "platform_payout_failed", None, movement, lines)


def platform_payout_paid(
    stripe_payout_id: str, amount: int, currency: str, *, at: datetime
) -> TransactionDraft:
    """Book a payout's arrival at the bank; Stripe has no balance transaction for it."""
    lines = [(chart.BANK, chart.PAYOUTS_IN_TRANSIT, amount)]
    return TransactionDraft(
        reference=f"platform_payout_paid:{stripe_payout_id}",
        kind="platform_payout_paid",
        occurred_at=at,
        campaign_id=None,
        entries=_entries(lines, currency),
    )


def stripe_fee(movement: MovementFacts) -> TransactionDraft:
    """Book what Stripe charges on its own account; a positive amount is given back."""
    lines = [_out_of_stripe(chart.PROCESSOR_FEES, -movement.amount)]
    return _moved(_named(movement), "stripe_fee", None, movement, lines)


def _moved(
    reference: str,
    kind: str,
    campaign: Campaign | None,
    movement: MovementFacts,
    lines: list[Line],
) -> TransactionDraft:
    return TransactionDraft(
        reference=reference,
        kind=kind,
        occurred_at=movement.occurred_at,
        campaign_id=campaign.id if campaign else None,
        entries=_entries(
            [*lines, _out_of_stripe(chart.PROCESSOR_FEES, movement.fee)], movement.currency
        ),
    )


def _right_way_round(line: Line) -> Line:
    """Turn a line of a negative amount round: what it takes back goes the other way."""
    debit, credit, amount = line
    return line if amount >= 0 else (credit, debit, -amount)


def _out_of_stripe(account: str, amount: int) -> Line:
    """Draw a signed amount from the Stripe balance: a negative one comes back."""
    if amount < 0:
        return chart.STRIPE_BALANCE, account, -amount
    return account, chart.STRIPE_BALANCE, amount


def _entries(lines: Iterable[Line], currency: str) -> tuple[EntryDraft, ...]:
    """Make entries of the lines that move something: a pledge without a tip has none for it."""
    return tuple(
        EntryDraft(debit, credit, amount, currency) for debit, credit, amount in lines if amount
    )


def _named(movement: MovementFacts) -> str:
    return f"{movement.type}:{movement.stripe_balance_transaction_id}"
