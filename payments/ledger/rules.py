"""The rules: which entries each business event makes. Pure; ``docs/ledger.md`` is their table.

Every rule that takes a ``movement`` books Stripe's amount and Stripe's fee, so that its
entries on ``stripe_balance`` sum to Stripe's net. A fee is an entry of its own.
"""

from collections.abc import Iterable
from datetime import datetime

from campaigns.models import Campaign
from octo.users.models import Organisation
from payments.ledger import chart
from payments.ledger.drafts import EntryDraft, MovementFacts, TransactionDraft
from payments.models import Dispute, Payment, Refund, Settlement, SettlementKind, Transfer
from payments.models.ledger import TransactionKind

Line = tuple[str, str, int]


def charge(payment: Payment, movement: MovementFacts) -> TransactionDraft:
    """Book a backer's money: the pledge is held for the campaign, the tip for its success.

    Late money belongs to the backer at once, tip included.
    """
    campaign = payment.campaign
    if payment.is_late:
        kind = TransactionKind.LATE_CHARGE
        lines = [(chart.STRIPE_BALANCE, chart.refunds_owed(campaign), payment.total_amount)]
    else:
        kind = TransactionKind.CHARGE
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
    return _moved(reference, TransactionKind.REFUND, campaign, movement, lines)


def refund_failed(refund: Refund, movement: MovementFacts) -> TransactionDraft:
    """Book a refund that came back: it is owed to the backer, never the campaign's again."""
    lines = [(chart.STRIPE_BALANCE, chart.refunds_owed(refund.campaign), refund.amount)]
    reference = f"refund_failed:{refund.public_id}"
    return _moved(reference, TransactionKind.REFUND_FAILED, refund.campaign, movement, lines)


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
        kind=TransactionKind.REFUND_NEVER_LEFT,
        occurred_at=at,
        campaign_id=refund.campaign.id,
        entries=entries,
    )


def settlement(document: Settlement) -> TransactionDraft:
    """Book a settlement document: the base is shared out, and the tips become ours.

    A credit note carries what it takes back as positive amounts, and is booked the other
    way round.
    """
    campaign = document.campaign
    funds = chart.campaign_funds(campaign)
    lines = [
        (funds, chart.owner_payable(campaign), document.net_amount),
        (funds, chart.PLATFORM_FEES, document.fee_amount),
        (funds, chart.VAT_COLLECTED, document.vat_amount),
        (chart.tips_held(campaign), chart.TIPS, document.tips_amount),
    ]
    kind = TransactionKind.SETTLEMENT
    if document.kind is SettlementKind.CREDIT_NOTE:
        kind = TransactionKind.CREDIT_NOTE
        lines = [(credit, debit, amount) for debit, credit, amount in lines]
    return TransactionDraft(
        reference=f"settlement:{document.number}",
        kind=kind,
        occurred_at=document.issued_at,
        campaign_id=campaign.id,
        entries=_entries(lines, document.currency),
    )


def transfer(transfer: Transfer, movement: MovementFacts) -> TransactionDraft:
    """Book what a settlement document pays to the owner's connected account."""
    campaign = transfer.campaign
    lines = [(chart.owner_payable(campaign), chart.STRIPE_BALANCE, -movement.amount)]
    reference = f"transfer:{transfer.public_id}"
    return _moved(reference, TransactionKind.TRANSFER, campaign, movement, lines)


def transfer_reversal(campaign: Campaign, movement: MovementFacts) -> TransactionDraft:
    """Book a transfer taken back: the owner is to be paid that much again."""
    lines = [(chart.STRIPE_BALANCE, chart.owner_payable(campaign), movement.amount)]
    reference = f"transfer_reversal:{movement.stripe_balance_transaction_id}"
    return _moved(reference, TransactionKind.TRANSFER_REVERSAL, campaign, movement, lines)


def debt_recovered(campaign: Campaign, movement: MovementFacts) -> TransactionDraft:
    """Book a transfer taken back to cover what the owner owes."""
    debt = chart.owner_debt(campaign.organisation)
    lines = [(chart.STRIPE_BALANCE, debt, movement.amount)]
    reference = f"transfer_reversal:{movement.stripe_balance_transaction_id}"
    return _moved(reference, TransactionKind.DEBT_RECOVERED, campaign, movement, lines)


def debt_written_off(
    organisation: Organisation, amount: int, currency: str, *, act: str, at: datetime
) -> TransactionDraft:
    """Book a debt given up by an audited act, named by ``act``."""
    lines = [(chart.DISPUTE_LOSSES, chart.owner_debt(organisation), amount)]
    return TransactionDraft(
        reference=f"debt_written_off:{act}",
        kind=TransactionKind.DEBT_WRITTEN_OFF,
        occurred_at=at,
        campaign_id=None,
        entries=_entries(lines, currency),
    )


def dispute_withdrawn(dispute: Dispute, movement: MovementFacts) -> TransactionDraft:
    """Book what a bank took back, until it judges; the dispute fee is ours."""
    campaign = dispute.payment.campaign
    lines = [(chart.disputed(campaign), chart.STRIPE_BALANCE, -movement.amount)]
    reference = f"dispute_withdrawn:{movement.stripe_balance_transaction_id}"
    return _moved(reference, TransactionKind.DISPUTE_WITHDRAWN, campaign, movement, lines)


def dispute_reinstated(dispute: Dispute, movement: MovementFacts) -> TransactionDraft:
    """Book a contested amount that came back, with its fee when Stripe returns it."""
    campaign = dispute.payment.campaign
    lines = [(chart.STRIPE_BALANCE, chart.disputed(campaign), movement.amount)]
    reference = f"dispute_reinstated:{movement.stripe_balance_transaction_id}"
    return _moved(reference, TransactionKind.DISPUTE_REINSTATED, campaign, movement, lines)


def dispute_lost(
    dispute: Dispute, *, amount: int, tip_amount: int, is_paid_out: bool, at: datetime
) -> TransactionDraft:
    """Book a dispute that the bank gave to the backer, who keeps what was withdrawn.

    ``amount`` is what the movements withdrew, which may differ from what was charged. Before
    the transfer it leaves the campaign (and ``tip_amount`` of it the tips); once the owner has
    been paid, the owner owes it.
    """
    campaign = dispute.payment.campaign
    disputed = chart.disputed(campaign)
    if is_paid_out:
        lines = [(chart.owner_debt(campaign.organisation), disputed, amount)]
    else:
        lines = [
            (chart.campaign_funds(campaign), disputed, amount - tip_amount),
            (chart.tips_held(campaign), disputed, tip_amount),
        ]
    return TransactionDraft(
        reference=f"dispute_lost:{dispute.stripe_dispute_id}",
        kind=TransactionKind.DISPUTE_LOST,
        occurred_at=at,
        campaign_id=campaign.id,
        entries=_entries(lines, dispute.currency),
    )


def topup(movement: MovementFacts) -> TransactionDraft:
    """Book the operator's own money put on the Stripe balance."""
    lines = [(chart.STRIPE_BALANCE, chart.OPERATOR_FLOAT, movement.amount)]
    return _moved(_named(movement), TransactionKind.TOPUP, None, movement, lines)


def platform_payout(movement: MovementFacts) -> TransactionDraft:
    """Book what leaves the Stripe balance for the platform's bank, while it is on its way."""
    lines = [(chart.PAYOUTS_IN_TRANSIT, chart.STRIPE_BALANCE, -movement.amount)]
    return _moved(_named(movement), TransactionKind.PLATFORM_PAYOUT, None, movement, lines)


def platform_payout_failed(movement: MovementFacts) -> TransactionDraft:
    """Book a payout that the bank sent back."""
    lines = [(chart.STRIPE_BALANCE, chart.PAYOUTS_IN_TRANSIT, movement.amount)]
    return _moved(_named(movement), TransactionKind.PLATFORM_PAYOUT_FAILED, None, movement, lines)


def platform_payout_paid(
    stripe_payout_id: str, amount: int, currency: str, *, at: datetime
) -> TransactionDraft:
    """Book a payout's arrival at the bank; Stripe has no balance transaction for it."""
    lines = [(chart.BANK, chart.PAYOUTS_IN_TRANSIT, amount)]
    return TransactionDraft(
        reference=f"platform_payout_paid:{stripe_payout_id}",
        kind=TransactionKind.PLATFORM_PAYOUT_PAID,
        occurred_at=at,
        campaign_id=None,
        entries=_entries(lines, currency),
    )


def stripe_fee(movement: MovementFacts) -> TransactionDraft:
    """Book what Stripe charges on its own account; a positive amount is given back."""
    lines = [_out_of_stripe(chart.PROCESSOR_FEES, -movement.amount)]
    return _moved(_named(movement), TransactionKind.STRIPE_FEE, None, movement, lines)


def _moved(
    reference: str,
    kind: TransactionKind,
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
