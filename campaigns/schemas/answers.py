"""What the API answers of campaigns, rewards, pledges and supporters; amounts in minor units."""

from typing import Any, Final

from flask import url_for
from marshmallow import fields

from campaigns.models import (
    Campaign,
    CampaignStatus,
    Category,
    Collection,
    Outcome,
    Pledge,
    PledgeStatus,
    Visibility,
)
from campaigns.policy.review import Act
from octo.content.feature import picture_of
from octo.content.stories import render_story
from octo.errors import N_
from octo.runtime import runtime
from octo.web.fields import Amount, Choice, Count, Shown
from octo.web.language import translate

_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}


class RewardSchema(Shown):
    id = fields.String(attribute="public_id")
    title = fields.String()
    description = fields.String()
    minimum_amount = Amount()
    stock = Count(allow_none=True)
    left_count = Count(allow_none=True)
    delivery_on = fields.Date(allow_none=True)
    is_shipped = fields.Boolean()
    shipping_amount = Amount()


class CostLineSchema(Shown):
    label = fields.String()
    amount = Amount()


class CampaignOwnerSchema(Shown):
    id = fields.String(attribute="public_id")
    name = fields.String()
    slug = fields.String()


class CampaignSummarySchema(Shown):
    id = fields.String(attribute="public_id")
    slug = fields.String()
    title = fields.String()
    summary = fields.String()
    category = Choice(Category)
    place = fields.String()
    organisation = fields.Nested(CampaignOwnerSchema)
    currency = fields.String()
    goal_amount = Amount()
    pledged_amount = Amount()
    backers_count = Count()
    supporters_count = Count()
    status = Choice(CampaignStatus)
    outcome = Choice(Outcome, allow_none=True)
    deadline_at = fields.AwareDateTime(allow_none=True)
    collecting_ends_at = fields.AwareDateTime(allow_none=True)
    cover_url = fields.Method("_cover_url", metadata=_TEXT_OR_NULL)
    page_url = fields.Method("_page_url", metadata=_TEXT)

    def _cover_url(self, campaign: Campaign) -> str | None:
        if campaign.cover is None:
            return None
        return runtime().settings.base_url + picture_of(campaign.cover).url

    def _page_url(self, campaign: Campaign) -> str:
        return runtime().settings.base_url + url_for("campaigns.show", slug=campaign.slug)


class CampaignSchema(CampaignSummarySchema):
    story = fields.String(metadata={"description": N_("In Markdown.")})
    story_html = fields.Method(
        "_story_html",
        metadata={**_TEXT, "description": N_("The story as its page shows it, safe to embed.")},
    )
    cover_description = fields.String()
    collection = Choice(Collection)
    duration_days = Count()
    time_zone = fields.String()
    launched_at = fields.AwareDateTime(allow_none=True)
    rewards = fields.List(fields.Nested(RewardSchema))
    cost_lines = fields.List(fields.Nested(CostLineSchema))

    def _story_html(self, campaign: Campaign) -> str:
        return str(render_story(campaign.story))


class CollectingSchema(Shown):
    collected_amount = Amount()
    collected_count = Count()
    left_amount = Amount(metadata={"description": N_("Saved cards that are not charged yet.")})
    left_count = Count()


class BackerSchema(Shown):
    name = fields.String()
    amount = fields.Method(
        "_amount", metadata={"type": ["integer", "null"], "description": N_("Null when hidden.")}
    )
    message = fields.String()
    confirmed_at = fields.AwareDateTime()

    def _amount(self, pledge: Pledge) -> int | None:
        return pledge.amount if pledge.visibility is Visibility.PUBLIC else None


class SupporterSchema(Shown):
    name = fields.String()
    word = fields.String()
    verified_at = fields.AwareDateTime()


class MissingSchema(Shown):
    field = fields.String()
    message = fields.Method("_said", metadata=_TEXT)

    def _said(self, missing: Any) -> str:
        return translate(missing.message, {})


class OwnCampaignSchema(Shown):
    """Where a campaign stands for who runs it, and what its next step still needs."""

    campaign = fields.Nested(CampaignSchema)
    review_note = fields.String(
        metadata={"description": N_("The changes that the moderator asked for last.")}
    )
    missing = fields.List(fields.Nested(MissingSchema))
    supporters_count = Count()
    supporters_needed = Count()
    has_supporters = fields.Boolean()
    is_owner_ready = fields.Boolean(
        metadata={"description": N_("Whether Stripe can pay the organisation.")}
    )
    most_extra_days = Count(
        metadata={"description": N_("By how many days the one extension may move the deadline.")}
    )
    extended_at = fields.AwareDateTime(allow_none=True)
    support_url = fields.String()


class ReceivedPledgeSchema(Shown):
    """A pledge as the campaign's owner sees it."""

    id = fields.String(attribute="public_id")
    name = fields.String()
    message = fields.String()
    reward = fields.String(attribute="reward.public_id", dump_default=None, allow_none=True)
    amount = Amount()
    currency = fields.String()
    status = Choice(PledgeStatus)
    confirmed_at = fields.AwareDateTime(allow_none=True)


class ReviewSchema(Shown):
    """A campaign as a moderator reads it."""

    campaign = fields.Nested(CampaignSchema)
    missing = fields.List(fields.Nested(MissingSchema))
    acts = fields.List(Choice(Act), metadata={"description": N_("What may be decided now.")})
    may_extend = fields.Boolean(
        metadata={"description": N_("Whether an outage may still give it more time.")}
    )
    supporters = fields.List(fields.Nested(SupporterSchema))


class PledgeSchema(Shown):
    id = fields.String(attribute="public_id")
    campaign = fields.String(attribute="campaign.public_id")
    reward = fields.String(attribute="reward.public_id", dump_default=None, allow_none=True)
    amount = Amount(metadata={"description": N_("Counts towards the goal; the shipping is in it.")})
    shipping_amount = Amount()
    tip_amount = Amount()
    total_amount = Amount()
    currency = fields.String()
    visibility = Choice(Visibility)
    name = fields.String()
    message = fields.String()
    status = Choice(PledgeStatus)
    created_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    canceled_at = fields.AwareDateTime(allow_none=True)


class PledgeSumsSchema(Shown):
    amount = Amount()
    shipping_amount = Amount()
    tip_amount = Amount()
    total_amount = Amount()
    currency = fields.String()


class RepairViewSchema(Shown):
    """A saved card was declined: why, and until when the pledge may be paid otherwise."""

    reason = fields.String(metadata={"description": N_("The bank's own code, where it gives one.")})
    until = fields.AwareDateTime()
    is_under_way = fields.Boolean()


class PaymentViewSchema(Shown):
    status = fields.String()
    charged_at = fields.AwareDateTime(allow_none=True)
    left_amount = Amount(
        attribute="money.left_amount",
        metadata={"description": N_("What was neither refunded nor taken back by a bank.")},
    )
    withdrawn_amount = Amount(
        attribute="money.withdrawn_amount",
        metadata={"description": N_("What the backer's bank has taken back.")},
    )
    is_contested = fields.Boolean(
        attribute="money.is_contested",
        metadata={
            "description": N_("The bank has not decided yet; nothing is refunded until then.")
        },
    )
    refunded_amount = Amount(attribute="money.returned_amount")
    refund_status = fields.String(allow_none=True)
    refund_requested_at = fields.AwareDateTime(allow_none=True)
    stripe_reference = fields.String(allow_none=True)
    card = fields.String(
        metadata={"description": N_("A saved card, as its holder knows it, such as visa 4242.")}
    )
    repair = fields.Nested(RepairViewSchema, allow_none=True)


class ReceiptSchema(Shown):
    pledge = fields.Nested(PledgeSchema)
    payment = fields.Nested(PaymentViewSchema, allow_none=True)
    can_cancel = fields.Boolean()


class CheckoutSchema(Shown):
    checkout_url = fields.Url(metadata={"description": N_("The page to pay on.")})
    expires_at = fields.AwareDateTime()


class PledgePlacedSchema(CheckoutSchema):
    pledge = fields.Nested(PledgeSchema)
    receipt_url = fields.Url(
        allow_none=True, metadata={"description": N_("Where the backer comes back to.")}
    )
    receipt_token = fields.String(
        allow_none=True, metadata={"description": N_("Opens the receipt; keep it secret.")}
    )


class OnboardingSchema(Shown):
    url = fields.Url(metadata={"description": N_("Stripe's page; it opens once.")})
