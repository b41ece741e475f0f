"""The shapes of campaigns, rewards and pledges in the API; amounts in minor units.

Schemas check shape; whether something may be done is for services.
"""

from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from campaigns.models import CampaignStatus, Category, Collection, Outcome, PledgeStatus, Visibility
from campaigns.queries import Stage
from octo.database import LARGEST_AMOUNT

LONGEST_KEY: Final = 64


class Amount(fields.Integer):
    """Minor units of a currency: a JSON integer, never a float or a text."""

    def __init__(self, *, least: int = 0, **options: Any) -> None:
        super().__init__(
            strict=True, validate=validate.Range(min=least, max=LARGEST_AMOUNT), **options
        )

    def _validated(self, value: Any) -> int:
        if isinstance(value, str | float | bool):
            raise self.make_error("invalid", input=value)
        found: int = super()._validated(value)
        return found


class Count(Amount):
    """A whole number: a JSON integer."""


class Strict(ma.Schema):
    """A body in which an unknown field is an error."""

    class Meta:
        unknown = ma.RAISE


class RewardSchema(ma.Schema):
    id = fields.String(attribute="public_id", dump_only=True)
    title = fields.String()
    description = fields.String()
    minimum_amount = Amount()
    stock = Count(allow_none=True)
    left_count = Count(allow_none=True)
    delivery_on = fields.Date(allow_none=True)
    is_shipped = fields.Boolean()
    shipping_amount = Amount()


class CostLineSchema(ma.Schema):
    label = fields.String()
    amount = Amount()


class OrganisationSchema(ma.Schema):
    id = fields.String(attribute="public_id")
    name = fields.String()
    slug = fields.String()


class CampaignSummarySchema(ma.Schema):
    id = fields.String(attribute="public_id")
    slug = fields.String()
    title = fields.String()
    summary = fields.String()
    category = fields.Enum(Category, by_value=True)
    place = fields.String()
    organisation = fields.Nested(OrganisationSchema)
    currency = fields.String()
    goal_amount = Amount()
    pledged_amount = Amount()
    backers_count = Count()
    supporters_count = Count()
    status = fields.Enum(CampaignStatus, by_value=True)
    outcome = fields.Enum(Outcome, by_value=True, allow_none=True)
    deadline_at = fields.AwareDateTime(allow_none=True)


class CampaignSchema(CampaignSummarySchema):
    story = fields.String(metadata={"description": "Markdown"})
    cover_description = fields.String()
    collection = fields.Enum(Collection, by_value=True)
    duration_days = Count()
    time_zone = fields.String()
    launched_at = fields.AwareDateTime(allow_none=True)
    rewards = fields.List(fields.Nested(RewardSchema))
    cost_lines = fields.List(fields.Nested(CostLineSchema))


class CampaignPageSchema(ma.Schema):
    campaigns = fields.List(fields.Nested(CampaignSummarySchema))
    page = Count()
    pages_count = Count()
    found_count = Count()


class CampaignSearchSchema(ma.Schema):
    q = fields.String(load_default="", validate=validate.Length(max=100))
    category = fields.Enum(Category, by_value=True, load_default=None)
    stage = fields.Enum(Stage, by_value=True, load_default=None)
    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=100_000))


class TextSchema(Strict):
    title = fields.String(validate=validate.Length(min=1, max=100))
    summary = fields.String(validate=validate.Length(max=280))
    story = fields.String(validate=validate.Length(max=100_000))
    place = fields.String(validate=validate.Length(max=100))
    cover_description = fields.String(validate=validate.Length(max=200))
    category = fields.Enum(Category, by_value=True)
    goal_amount = Amount(least=1)
    duration_days = Count(least=1)
    time_zone = fields.String()


class CampaignEditSchema(TextSchema):
    """What changes; the rest stays."""


class CampaignCreateSchema(TextSchema):
    organisation = fields.String(required=True)
    title = fields.String(required=True, validate=validate.Length(min=1, max=100))
    category = fields.Enum(Category, by_value=True, required=True)
    goal_amount = Amount(least=1, required=True)
    duration_days = Count(least=1, required=True)
    time_zone = fields.String()
    currency = fields.String(validate=validate.Regexp(r"\A[A-Z]{3}\Z"))
    collection = fields.Enum(Collection, by_value=True, load_default=Collection.ON_PLEDGE)


class RewardCreateSchema(Strict):
    title = fields.String(required=True, validate=validate.Length(min=1, max=100))
    description = fields.String(load_default="", validate=validate.Length(max=500))
    minimum_amount = Amount(least=1, required=True)
    stock = Count(least=1, allow_none=True, load_default=None)
    delivery_on = fields.Date(allow_none=True, load_default=None)
    is_shipped = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    shipping_amount = Amount(load_default=0)


class CostLineCreateSchema(Strict):
    label = fields.String(required=True, validate=validate.Length(min=1, max=120))
    amount = Amount(least=1, required=True)


class CostLinesSchema(Strict):
    cost_lines = fields.List(
        fields.Nested(CostLineCreateSchema), required=True, validate=validate.Length(max=30)
    )


class AddressSchema(Strict):
    line1 = fields.String(required=True, validate=validate.Length(max=200))
    line2 = fields.String(load_default="", validate=validate.Length(max=200))
    postal_code = fields.String(required=True, validate=validate.Length(max=20))
    city = fields.String(required=True, validate=validate.Length(max=100))
    country = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{2}\Z"))


class PledgeCreateSchema(Strict):
    amount = Amount(least=1, required=True, metadata={"description": "before the shipping"})
    reward = fields.String(allow_none=True, load_default=None)
    tip_amount = Amount(load_default=0)
    email = fields.Email(
        load_default=None, metadata={"description": "of a guest; an account has its own"}
    )
    name = fields.String(load_default="", validate=validate.Length(max=100))
    visibility = fields.Enum(Visibility, by_value=True, load_default=Visibility.ANONYMOUS)
    message = fields.String(load_default="", validate=validate.Length(max=280))
    address = fields.Nested(AddressSchema, allow_none=True, load_default=None)


class IdempotencySchema(ma.Schema):
    """Repeat a request with the same key and body, and it pledges once."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        required=True,
        validate=validate.Length(min=8, max=LONGEST_KEY),
    )


class PledgeSchema(ma.Schema):
    id = fields.String(attribute="public_id")
    campaign = fields.String(attribute="campaign.public_id")
    reward = fields.String(attribute="reward.public_id", allow_none=True)
    amount = Amount()
    shipping_amount = Amount()
    tip_amount = Amount()
    total_amount = Amount()
    currency = fields.String()
    visibility = fields.Enum(Visibility, by_value=True)
    message = fields.String()
    status = fields.Enum(PledgeStatus, by_value=True)
    created_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    canceled_at = fields.AwareDateTime(allow_none=True)


class PledgePlacedSchema(ma.Schema):
    pledge = fields.Nested(PledgeSchema)
    checkout_url = fields.Url()
    receipt_url = fields.Url()
    expires_at = fields.AwareDateTime()
