"""The shapes of the books in the API: position, ledger, statements, refunds, settlements.

Amounts are in minor units.
"""

from typing import Final

import marshmallow as ma
from marshmallow import fields

from campaigns.models import CampaignStatus, Outcome
from octo.errors import N_
from octo.health.vitals import Alert
from octo.web.fields import (
    Amount,
    Choice,
    Count,
    OneOf,
    Paragraphs,
    Shown,
    SignedAmount,
    Strict,
)
from octo.web.language import translate
from payments.ledger.kinds import kind_names
from payments.models import (
    DisputeStatus,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Resolution,
    ReversalStatus,
    SettlementKind,
    TransferStatus,
)
from payments.refunds.failed import LONGEST_REFERENCE, Means
from payments.settlement.unfreeze import LONGEST_REASON
from treasury.statements.delimited import MACHINE, PROFILES

_IS_A_KIND: Final = ma.validate.OneOf(kind_names())
_WITH_BANKS: Final = {"description": N_("What banks took back by disputes and hold.")}
_PAID_OUT: Final = {"description": N_("What the owner was paid, below zero; taken back, above.")}
_FOR_INFORMATION: Final = {"description": N_("For information: the platform bears it.")}


class PositionSchema(Shown):
    """Where the platform's money stands, and what others are owed of it."""

    currency = fields.String()
    stripe_balance = SignedAmount()
    operator_float = SignedAmount()
    funds_held = SignedAmount(metadata={"description": N_("Held for campaigns under way.")})
    tips_held = SignedAmount()
    owner_payable = SignedAmount(metadata={"description": N_("Due to owners.")})
    refunds_owed = SignedAmount(metadata={"description": N_("Due to backers.")})
    cover = SignedAmount(
        metadata={"description": N_("The Stripe balance less all that others are owed of it.")}
    )
    platform_fees = SignedAmount()
    vat_collected = SignedAmount()
    tips_earned = SignedAmount()
    processor_fees = SignedAmount()


class CampaignIdSchema(ma.Schema):
    id = fields.String(attribute="public_id")


class SettlementSchema(Shown):
    """A numbered document that never changes; base = gross - refunds - disputes."""

    number = fields.String(attribute="document.number")
    kind = Choice(SettlementKind)
    campaign = fields.Pluck(CampaignIdSchema, "id")
    currency = fields.String()
    payments_count = Count()
    gross_amount = SignedAmount()
    refunds_amount = SignedAmount()
    disputes_amount = SignedAmount()
    base_amount = SignedAmount()
    fee_rate = fields.String()
    fee_amount = SignedAmount()
    vat_rate = fields.String()
    vat_amount = SignedAmount()
    net_amount = SignedAmount(metadata={"description": N_("What the owner is due.")})
    processor_fees_amount = SignedAmount(metadata=_FOR_INFORMATION)
    tips_amount = SignedAmount()
    issued_at = fields.AwareDateTime(attribute="document.issued_at")


class TransferSchema(Shown):
    id = fields.String(attribute="public_id")
    amount = Amount()
    currency = fields.String()
    status = Choice(TransferStatus)
    waits_for = fields.String(attribute="block", allow_none=True)
    expected_at = fields.AwareDateTime(allow_none=True)
    sent_at = fields.AwareDateTime(allow_none=True)
    stripe_transfer_id = fields.String(allow_none=True)


class SettlementDocumentSchema(Shown):
    settlement = fields.Nested(SettlementSchema)
    transfer = fields.Nested(
        TransferSchema, allow_none=True, metadata={"description": N_("What pays it.")}
    )


class MoneyCampaignSchema(Shown):
    id = fields.String(attribute="public_id")
    title = fields.String()
    organisation_name = fields.String(attribute="organisation.name")
    currency = fields.String()
    status = Choice(CampaignStatus)
    outcome = Choice(Outcome, allow_none=True)
    deadline_at = fields.AwareDateTime(allow_none=True)


class CampaignMoneySchema(Shown):
    """What became of one campaign's money, and whom it is owed to."""

    campaign = fields.Nested(MoneyCampaignSchema)
    collected_amount = Amount(metadata={"description": N_("Tips are in it.")})
    refunded_amount = Amount()
    pending_refunds_count = Count()
    failed_refunds_count = Count()
    settlement = fields.Nested(SettlementSchema, allow_none=True)
    transfer = fields.Nested(TransferSchema, allow_none=True)
    freeze_reason = fields.String(
        allow_none=True, metadata={"description": N_("Why its money may not move, if it may not.")}
    )


class LedgerEntrySchema(Shown):
    debit = fields.String()
    credit = fields.String()
    amount = Amount()
    currency = fields.String()


class LedgerLineSchema(Shown):
    """One ledger transaction; each entry moves its amount from credit to debit."""

    reference = fields.String(attribute="transaction.reference")
    kind = fields.String(attribute="transaction.kind", validate=_IS_A_KIND)
    occurred_at = fields.AwareDateTime(attribute="transaction.occurred_at")
    posted_at = fields.AwareDateTime(attribute="transaction.posted_at")
    entries = fields.List(fields.Nested(LedgerEntrySchema))


class PaymentSchema(Shown):
    id = fields.String(attribute="public_id")
    pledge = fields.String(attribute="pledge.public_id")
    amount = Amount(metadata={"description": N_("Goes to the campaign.")})
    tip_amount = Amount()
    total_amount = Amount()
    refunded_amount = Amount()
    disputed_amount = Amount()
    refundable_amount = SignedAmount()
    processor_fee_amount = Amount(metadata=_FOR_INFORMATION)
    currency = fields.String()
    status = Choice(PaymentStatus)
    is_late = fields.Boolean(
        metadata={"description": N_("Came after the deadline, and goes back.")}
    )
    charged_at = fields.AwareDateTime(allow_none=True)
    available_at = fields.AwareDateTime(allow_none=True)
    stripe_charge_id = fields.String(allow_none=True)


class StatementLineSchema(Shown):
    """One ledger transaction as its campaign counts it: gross + fee + VAT = net.

    Net, what banks withdrew and what was transferred move the balance.
    """

    occurred_at = fields.AwareDateTime()
    event = fields.String(validate=_IS_A_KIND)
    reference = fields.String()
    pledge_id = fields.String(allow_none=True)
    currency = fields.String()
    stripe_amount = SignedAmount()
    gross_amount = SignedAmount()
    tip_amount = SignedAmount()
    processor_fee_amount = SignedAmount(metadata=_FOR_INFORMATION)
    platform_fee_amount = SignedAmount()
    vat_amount = SignedAmount()
    net_amount = SignedAmount()
    withdrawn_amount = SignedAmount(metadata=_WITH_BANKS)
    transferred_amount = SignedAmount(metadata=_PAID_OUT)
    balance_amount = SignedAmount(metadata={"description": N_("Held for the owner from here on.")})
    stripe_balance_transaction_id = fields.String(allow_none=True)
    stripe_object_id = fields.String(allow_none=True)


class StatementTotalsSchema(Shown):
    stripe_amount = SignedAmount()
    gross_amount = SignedAmount()
    tip_amount = SignedAmount()
    processor_fee_amount = SignedAmount(metadata=_FOR_INFORMATION)
    platform_fee_amount = SignedAmount()
    vat_amount = SignedAmount()
    net_amount = SignedAmount()
    withdrawn_amount = SignedAmount(metadata=_WITH_BANKS)
    transferred_amount = SignedAmount(metadata=_PAID_OUT)


class ProfileSchema(ma.Schema):
    profile = fields.String(
        load_default=MACHINE.name,
        validate=OneOf(tuple(PROFILES)),
        metadata={
            "description": N_("For programs (commas, points, ISO dates) or for a French Excel.")
        },
    )


class RefundCreateSchema(Strict):
    amount = Amount(least=1, required=True)


class RefundSchema(Shown):
    id = fields.String(attribute="public_id")
    amount = Amount()
    currency = fields.String()
    reason = Choice(RefundReason)
    status = Choice(RefundStatus)
    requested_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)


class TroubledRefundSchema(RefundSchema):
    payment = fields.String(attribute="payment.public_id")
    campaign = fields.String(attribute="campaign.public_id")
    failure_reason = fields.String(allow_none=True)


class AlertSchema(Shown):
    code = fields.String()
    subject = fields.String(metadata={"description": N_("Which campaign, for example.")})
    message = fields.Method("_said", metadata={"type": "string"})

    def _said(self, alert: Alert) -> str:
        return translate(alert.message, alert.params)


class DisputeSchema(Shown):
    stripe_dispute_id = fields.String()
    payment = fields.String(attribute="payment.public_id")
    campaign = fields.String(attribute="payment.campaign.public_id")
    amount = Amount()
    currency = fields.String()
    reason = fields.String(metadata={"description": N_("In Stripe's words.")})
    status = Choice(DisputeStatus)
    opened_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)


class DiscrepancySchema(Shown):
    kind = fields.String()
    subject = fields.String()
    details = fields.Dict()
    found_at = fields.AwareDateTime()
    explained_at = fields.AwareDateTime(allow_none=True)
    explanation = fields.String(allow_none=True)


class ExplanationSchema(Strict):
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    reason = Paragraphs(most=LONGEST_REASON, is_filled=True, required=True)


class MoneyReasonSchema(Strict):
    reason = Paragraphs(most=LONGEST_REASON, is_filled=True, required=True)


class MaybeReasonSchema(Strict):
    reason = Paragraphs(most=LONGEST_REFERENCE, load_default="")


class RecoverySchema(MoneyReasonSchema):
    amount = Amount(least=1, required=True)


class ByBankSchema(Strict):
    means = Choice(Means, required=True)
    reference = Paragraphs(
        most=LONGEST_REFERENCE,
        is_filled=True,
        required=True,
        metadata={"description": N_("What finds it on the bank's statement; no account number.")},
    )


class DebtSchema(Shown):
    """What an owner must give back of one campaign, and what became of it."""

    campaign = fields.Pluck(CampaignIdSchema, "id")
    currency = fields.String()
    incurred_amount = Amount()
    restored_amount = Amount()
    recovered_amount = Amount()
    written_off_amount = Amount()
    left_amount = Amount(metadata={"description": N_("What is still owed.")})
    incurred_at = fields.AwareDateTime()


class ReversalSchema(Shown):
    """A transfer taken back from its owner, whole or in part."""

    id = fields.String(attribute="public_id")
    amount = Amount()
    currency = fields.String()
    status = Choice(ReversalStatus)
    failure_reason = fields.String(allow_none=True)
    requested_at = fields.AwareDateTime()
    stripe_reversal_id = fields.String(allow_none=True)


class LastDaySchema(Shown):
    offered_at = fields.AwareDateTime()
    decide_by = fields.AwareDateTime(
        metadata={"description": N_("Until when everything must be given back, if it is not paid.")}
    )


class AfterVerdictSchema(Shown):
    documents = fields.List(fields.Nested(SettlementSchema))
    transfers = fields.List(fields.Nested(TransferSchema))
    reversals = fields.List(fields.Nested(ReversalSchema))
    debt = fields.Nested(DebtSchema, allow_none=True)
    last_day = fields.Nested(LastDaySchema, allow_none=True)
    is_urgent = fields.Boolean()


class WaitingRefundSchema(RefundSchema):
    campaign = fields.Pluck(CampaignIdSchema, "id")
    pending_reason = fields.String(metadata={"description": N_("In Stripe's words.")})


class FailedRefundSchema(TroubledRefundSchema):
    resolution = Choice(Resolution, allow_none=True)
    resolved_at = fields.AwareDateTime(allow_none=True)
