"""The kinds of transaction that Octo has: one declaration each, and all that is said of one.

In the order of the CHECK on ``ledger_transaction.kind``, which is made of their names.
"""

from octo.errors import N_
from payments.accounting import entries
from payments.accounting.checks import documents, obligations, pledges
from payments.ledger import posting
from payments.ledger.accounts import Column
from payments.ledger.kinds import REVERSAL, TransactionKind, register

register(
    TransactionKind(
        name="charge",
        label=N_("Pledge paid"),
        rule=entries.charge,
        columns=frozenset({Column.NET, Column.TIP, Column.PROCESSOR_FEE}),
        checks=(
            documents.check_campaigns,
            pledges.check_counted,
            pledges.check_paid,
            pledges.check_fees,
        ),
    )
)
register(
    TransactionKind(
        name="late_charge",
        label=N_("Payment after the deadline"),
        rule=entries.charge,
        columns=frozenset({Column.PROCESSOR_FEE}),
        checks=(
            obligations.check_owed,
            pledges.check_fees,
        ),
    )
)
register(
    TransactionKind(
        name="refund",
        label=N_("Refund"),
        rule=entries.refund,
        columns=frozenset({Column.NET, Column.TIP, Column.PROCESSOR_FEE}),
        checks=(
            documents.check_campaigns,
            obligations.check_owed,
        ),
    )
)
register(
    TransactionKind(
        name="refund_failed",
        label=N_("Refund that came back"),
        rule=entries.refund_failed,
        columns=frozenset({Column.PROCESSOR_FEE}),
        checks=(obligations.check_owed,),
    )
)
register(
    TransactionKind(
        name="refund_never_left",
        label=N_("Refund that was refused"),
        rule=entries.refund_never_left,
        columns=frozenset({Column.NET, Column.TIP}),
        checks=(
            documents.check_campaigns,
            obligations.check_owed,
        ),
    )
)
register(
    TransactionKind(
        name="refund_paid_by_bank",
        label=N_("Refund paid from the platform's bank"),
        rule=entries.refund_paid_by_bank,
        checks=(obligations.check_owed,),
    )
)
register(
    TransactionKind(
        name="settlement",
        label=N_("Settlement"),
        rule=entries.settlement,
        columns=frozenset({Column.NET, Column.PLATFORM_FEE, Column.VAT, Column.TIP}),
        checks=(
            documents.check_settlements,
            documents.check_campaigns,
            obligations.check_owners,
        ),
    )
)
register(
    TransactionKind(
        name="credit_note",
        label=N_("Credit note"),
        rule=entries.settlement,
        columns=frozenset({Column.NET, Column.PLATFORM_FEE, Column.VAT, Column.TIP}),
        checks=(
            documents.check_settlements,
            documents.check_campaigns,
            obligations.check_owners,
        ),
    )
)
register(
    TransactionKind(
        name="transfer",
        label=N_("Transfer to the owner"),
        rule=entries.transfer,
        columns=frozenset({Column.NET, Column.PROCESSOR_FEE}),
        pays_owner=True,
        checks=(
            documents.check_transfers,
            obligations.check_owners,
        ),
    )
)
register(
    TransactionKind(
        name="transfer_reversal",
        label=N_("Transfer taken back"),
        rule=entries.transfer_reversal,
        columns=frozenset({Column.NET, Column.PROCESSOR_FEE}),
        pays_owner=True,
        checks=(obligations.check_owners,),
    )
)
register(
    TransactionKind(
        name="debt_recovered",
        label=N_("Debt recovered from the owner"),
        rule=entries.transfer_reversal,
        columns=frozenset({Column.NET, Column.PROCESSOR_FEE}),
        pays_owner=True,
        checks=(obligations.check_owners,),
    )
)
register(
    TransactionKind(
        name="debt_written_off",
        label=N_("Debt written off"),
        rule=entries.debt_written_off,
        columns=frozenset({Column.NET}),
        checks=(obligations.check_owners,),
    )
)
register(
    TransactionKind(
        name="debt_offset",
        label=N_("Debt deducted from a transfer"),
        rule=entries.debt_offset,
        columns=frozenset({Column.NET}),
        checks=(obligations.check_owners,),
    )
)
register(
    TransactionKind(
        name="dispute_withdrawn",
        label=N_("Dispute: amount withdrawn"),
        rule=entries.dispute_withdrawn,
        columns=frozenset({Column.PROCESSOR_FEE}),
        checks=(obligations.check_disputes,),
    )
)
register(
    TransactionKind(
        name="dispute_reinstated",
        label=N_("Dispute: amount given back"),
        rule=entries.dispute_reinstated,
        columns=frozenset({Column.PROCESSOR_FEE}),
        checks=(obligations.check_disputes,),
    )
)
register(
    TransactionKind(
        name="dispute_lost",
        label=N_("Dispute lost"),
        rule=entries.dispute_lost,
        columns=frozenset({Column.NET, Column.TIP}),
        checks=(
            obligations.check_disputes,
            obligations.check_owed,
        ),
        without_rows=True,
    )
)
register(
    TransactionKind(
        name="topup",
        label=N_("Top-up"),
        rule=entries.topup,
        columns=frozenset({Column.PROCESSOR_FEE}),
    )
)
register(
    TransactionKind(
        name="platform_payout",
        label=N_("Platform payout"),
        rule=entries.platform_payout,
        columns=frozenset({Column.PROCESSOR_FEE}),
    )
)
register(
    TransactionKind(
        name="platform_payout_paid",
        label=N_("Platform payout arrived"),
        rule=entries.platform_payout_paid,
    )
)
register(
    TransactionKind(
        name="platform_payout_failed",
        label=N_("Platform payout sent back"),
        rule=entries.platform_payout_failed,
        columns=frozenset({Column.PROCESSOR_FEE}),
    )
)
register(
    TransactionKind(
        name="stripe_fee",
        label=N_("Stripe's own fee"),
        rule=entries.stripe_fee,
        columns=frozenset({Column.PROCESSOR_FEE}),
    )
)
register(
    TransactionKind(
        name=REVERSAL,
        label=N_("Correction"),
        rule=posting.draft_reversal,
        columns=frozenset(Column),
        checks=(
            documents.check_campaigns,
            obligations.check_owed,
            obligations.check_owners,
            obligations.check_disputes,
        ),
        without_rows=True,
    )
)
