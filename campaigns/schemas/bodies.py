"""What is sent to the API of campaigns, rewards, pledges and supporters; amounts in minor units.

Schemas check shape; whether something may be done is for services.
"""

from typing import Any, Final
from zoneinfo import available_timezones

import marshmallow as ma
from babel.numbers import list_currencies
from marshmallow import fields, validate

from campaigns.models import Category, Collection, Visibility
from campaigns.models.limits import (
    LONGEST_COVER_DESCRIPTION,
    LONGEST_DURATION_DAYS,
    LONGEST_LABEL,
    LONGEST_NAME,
    LONGEST_PLACE,
    LONGEST_REASON,
    LONGEST_REWARD_DESCRIPTION,
    LONGEST_REWARD_TITLE,
    LONGEST_STORY,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    LONGEST_WORD,
    MOST_COST_LINES,
    MOST_STOCK,
)
from campaigns.pledges.place import ADDRESS_FIELDS
from campaigns.policy.pledges import LEAST_PLEDGE, MOST_PLEDGE
from campaigns.policy.review import Act
from campaigns.queries import Stage
from octo.errors import N_
from octo.search import LONGEST_SEARCH
from octo.web.fields import (
    Amount,
    AtMost,
    Choice,
    Count,
    EmailAddress,
    Line,
    Paragraphs,
    SentFile,
    Strict,
)
from octo.web.language import translate

_COUNTRY: Final = r"\A[A-Z]{2}\Z"


class TimeZone(fields.String):
    """A time zone by its name, such as ``Europe/Paris``."""

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> str:
        name = super()._deserialize(value, *where, **options)
        if name not in available_timezones():
            raise ma.ValidationError(translate(N_("Choose a time zone of the list."), {}))
        return name


class CurrencyCode(fields.String):
    """A currency by its three letters."""

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> str:
        code = super()._deserialize(value, *where, **options)
        if code not in list_currencies():
            sentence = N_("%(currency)s is not a currency.")
            raise ma.ValidationError(translate(sentence, {"currency": code}))
        return code


class CampaignSearchSchema(ma.Schema):
    q = fields.String(
        load_default="",
        validate=AtMost(max=LONGEST_SEARCH),
        metadata={"description": N_("Words of the title, the summary, the place or the owner.")},
    )
    category = Choice(Category, load_default=None)
    stage = Choice(Stage, load_default=None)


class CampaignEditSchema(Strict):
    """What changes; the rest stays."""

    title = Line(most=LONGEST_TITLE, is_filled=True)
    summary = Line(most=LONGEST_SUMMARY)
    story = Paragraphs(most=LONGEST_STORY, metadata={"description": N_("In Markdown.")})
    place = Line(most=LONGEST_PLACE)
    cover_description = Line(most=LONGEST_COVER_DESCRIPTION)
    category = Choice(Category)
    goal_amount = Amount(least=1)
    duration_days = Count(least=1, most=LONGEST_DURATION_DAYS)
    time_zone = TimeZone()
    collection = Choice(Collection)


class CampaignCreateSchema(CampaignEditSchema):
    organisation = fields.String(
        required=True, metadata={"description": N_("The id of an organisation you belong to.")}
    )
    title = Line(most=LONGEST_TITLE, is_filled=True, required=True)
    category = Choice(Category, required=True)
    goal_amount = Amount(least=1, required=True)
    duration_days = Count(least=1, most=LONGEST_DURATION_DAYS, required=True)
    currency = CurrencyCode()
    collection = Choice(Collection, load_default=Collection.ON_PLEDGE)


class CoverSchema(Strict):
    cover = SentFile(metadata={"description": N_("A PNG, JPEG or WebP of at most 10 MB.")})
    description = Line(
        most=LONGEST_COVER_DESCRIPTION,
        required=True,
        metadata={"description": N_("What it shows, for people who do not see it.")},
    )


class RewardCreateSchema(Strict):
    title = Line(most=LONGEST_REWARD_TITLE, is_filled=True, required=True)
    description = Paragraphs(most=LONGEST_REWARD_DESCRIPTION, load_default="")
    minimum_amount = Amount(least=1, required=True)
    stock = Count(
        least=1,
        most=MOST_STOCK,
        allow_none=True,
        load_default=None,
        metadata={"description": N_("Null when there is no limit.")},
    )
    delivery_on = fields.Date(allow_none=True, load_default=None)
    is_shipped = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    shipping_amount = Amount(load_default=0)


class CostLineCreateSchema(Strict):
    label = Line(most=LONGEST_LABEL, is_filled=True, required=True)
    amount = Amount(least=1, required=True)


class CostLinesSchema(Strict):
    cost_lines = fields.List(
        fields.Nested(CostLineCreateSchema), required=True, validate=AtMost(max=MOST_COST_LINES)
    )


class ExtensionSchema(Strict):
    days = Count(least=1, most=LONGEST_DURATION_DAYS, required=True)


class ReasonSchema(Strict):
    reason = Paragraphs(most=LONGEST_REASON, is_filled=True, required=True)


class OutageExtensionSchema(ReasonSchema):
    until = fields.AwareDateTime(
        format="iso", required=True, metadata={"description": N_("An instant, with its offset.")}
    )


class DecisionSchema(Strict):
    act = Choice(Act, required=True)
    reason = Paragraphs(
        most=LONGEST_REASON,
        load_default="",
        metadata={"description": N_("Needed for everything but approving and resuming.")},
    )


class SupportSchema(Strict):
    email = EmailAddress(required=True)
    name = Line(most=LONGEST_NAME, is_filled=True, required=True)
    word = Line(most=LONGEST_WORD, load_default="")


class AddressSchema(Strict):
    line1 = Line(most=ADDRESS_FIELDS["line1"], is_filled=True, required=True)
    line2 = Line(most=ADDRESS_FIELDS["line2"], load_default="")
    postal_code = Line(most=ADDRESS_FIELDS["postal_code"], is_filled=True, required=True)
    city = Line(most=ADDRESS_FIELDS["city"], is_filled=True, required=True)
    country = fields.String(
        required=True,
        validate=validate.Regexp(_COUNTRY, error=N_("Enter the two letters of a country.")),
        metadata={"pattern": "^[A-Z]{2}$"},
    )


class PledgeCreateSchema(Strict):
    amount = Amount(
        least=LEAST_PLEDGE,
        most=MOST_PLEDGE,
        required=True,
        metadata={"description": N_("Before the shipping of the reward.")},
    )
    reward = fields.String(
        allow_none=True, load_default=None, metadata={"description": N_("The id of a reward.")}
    )
    tip_amount = Amount(
        most=MOST_PLEDGE,
        load_default=0,
        metadata={"description": N_("For the platform, beside the pledge.")},
    )
    email = EmailAddress(
        allow_none=True,
        load_default=None,
        metadata={"description": N_("Of a guest; who signed in has one already.")},
    )
    name = Line(most=LONGEST_NAME, load_default="")
    visibility = Choice(Visibility, load_default=Visibility.ANONYMOUS)
    message = Line(most=LONGEST_WORD, load_default="")
    address = fields.Nested(
        AddressSchema,
        allow_none=True,
        load_default=None,
        metadata={"description": N_("Where a reward that is shipped goes.")},
    )
