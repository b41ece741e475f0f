"""A transaction of every kind there is, made by the rule that its declaration names."""

from dataclasses import replace

from campaigns.models import Campaign
from octo.database import transaction
from payments.accounting import entries
from payments.ledger import kinds
from payments.ledger.drafts import TransactionDraft
from payments.ledger.posting import post, reverse
from payments.models import SettlementKind
from tests.payments.accounting.books import (
    NOON,
    dispute,
    movement,
    payment,
    refund,
    settlement,
    transfer,
)


def draft_every_kind(of: Campaign) -> dict[str, TransactionDraft]:
    """Draft one of each kind but the reversal, which mirrors what was posted."""
    paid = payment(of, amount=50_00, tip=2_00)
    late = payment(of, amount=50_00, tip=2_00, is_late=True)
    back = refund(paid, funds=20_00, tip=1_00)
    contested = dispute(paid, funds=10_00, tip=50, loss=1_00)
    document = settlement(of, base=100_00, tips=2_00)
    note = settlement(of, base=10_00, kind=SettlementKind.CREDIT_NOTE)
    bank = movement(-300_00, kind="payout")
    drafts = (
        entries.charge(paid, movement(52_00, fee=1_03)),
        entries.charge(late, movement(52_00, fee=1_03)),
        entries.refund(back, movement(-21_00)),
        entries.refund_failed(back, movement(21_00)),
        entries.refund_never_left(back, at=NOON),
        entries.refund_paid_by_bank(back, at=NOON),
        entries.settlement(document),
        entries.settlement(note),
        entries.transfer(transfer(document), movement(-document.net_amount)),
        entries.transfer_reversal(of, movement(40_00)),
        entries.transfer_reversal(of, movement(30_00), debt_amount=20_00),
        entries.debt_written_off(of, 5_00, act="act_1", at=NOON),
        entries.debt_offset(of, debt_amount=3_00, loss_amount=1_00, act="act_2", at=NOON),
        entries.dispute_withdrawn(contested, movement(-11_50, fee=15_00)),
        entries.dispute_reinstated(contested, movement(11_50, fee=-15_00)),
        entries.dispute_lost(contested, at=NOON),
        entries.topup(movement(500_00, kind="topup")),
        entries.platform_payout(bank),
        entries.platform_payout_paid("po_1", 300_00, "EUR", at=NOON),
        entries.platform_payout_failed(movement(300_00, kind="payout_failure")),
        entries.stripe_fee(movement(-2_00, kind="stripe_fee")),
    )
    return {draft.kind: draft for draft in drafts if draft}


def post_every_kind(of: Campaign) -> None:
    """Post one of each declared kind, all for one campaign, as if they concerned it."""
    drafts = draft_every_kind(of)
    with transaction() as session:
        for kind in kinds.iter_kinds():
            if kind.name == kinds.REVERSAL:
                reverse(session, drafts["settlement"].reference, because="act_3", at=NOON)
            else:
                post(session, replace(drafts[kind.name], campaign_id=of.id))
