"""The shapes of refunds and settlements in the API; amounts in minor units."""

import marshmallow as ma
from marshmallow import fields

from campaigns.schemas import LONGEST_KEY, Amount, Strict
from payments.models import RefundReason, RefundStatus, SettlementKind


class RefundCreateSchema(Strict):
    amount = Amount(least=1, required=True)


class ActionKeySchema(ma.Schema):
    """The header that makes a repeated request the same request."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        required=True,
        validate=ma.validate.Length(min=1, max=LONGEST_KEY),
    )

    class Meta:
        unknown = ma.EXCLUDE


class RefundSchema(ma.Schema):
    id = fields.String(attribute="public_id")
    amount = Amount()
    currency = fields.String()
    reason = fields.Enum(RefundReason, by_value=True)
    status = fields.Enum(RefundStatus, by_value=True)
    requested_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)


class SettlementSchema(ma.Schema):
    number = fields.String()
    kind = fields.Enum(SettlementKind, by_value=True)
    campaign = fields.Pluck("CampaignIdSchema", "id")
    currency = fields.String()
    payments_count = fields.Integer()
    gross_amount = fields.Integer()
    refunds_amount = fields.Integer()
    disputes_amount = fields.Integer()
    base_amount = fields.Integer()
    fee_rate = fields.String()
    fee_amount = fields.Integer()
    vat_rate = fields.String()
    vat_amount = fields.Integer()
    net_amount = fields.Integer()
    processor_fees_amount = fields.Integer()
    tips_amount = fields.Integer()
    issued_at = fields.AwareDateTime()


class CampaignIdSchema(ma.Schema):
    id = fields.String(attribute="public_id")
