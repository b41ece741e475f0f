"""What may stand in a campaign: checked, cleaned and written on its rows, in one transaction.

Pages, the API and imported files all go through here, so they refuse the same things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import available_timezones

import sqlalchemy as sa
from slugify import slugify
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Category, Collection, CostLine, Reward
from octo.config import Rules
from octo.errors import N_, ConflictError, InvalidError
from octo.money import check_amount, decimals_of
from octo.text import clean_paragraphs, clean_text

LONGEST_TITLE: Final = 100
LONGEST_SUMMARY: Final = 280
LONGEST_STORY: Final = 100_000
LONGEST_PLACE: Final = 100
LONGEST_SLUG: Final = 120
LONGEST_COVER_DESCRIPTION: Final = 200
LONGEST_REWARD_TITLE: Final = 100
LONGEST_REWARD_DESCRIPTION: Final = 500
LONGEST_LABEL: Final = 120
MOST_REWARDS: Final = 30
MOST_COST_LINES: Final = 30
MOST_STOCK: Final = 100_000


@dataclass(frozen=True)
class CampaignText:
    """What people read of a campaign; it may change while the campaign runs, on the record."""

    title: str
    summary: str = ""
    story: str = ""
    place: str = ""
    cover_description: str = ""


@dataclass(frozen=True)
class CampaignTerms:
    """What people pledge on; frozen from submission on. Amounts in minor units."""

    category: Category
    goal_amount: int
    currency: str
    duration_days: int
    time_zone: str
    collection: Collection = Collection.ON_PLEDGE


@dataclass(frozen=True)
class RewardDraft:
    """One reward as its owner writes it; amounts in minor units."""

    title: str
    description: str
    minimum_amount: int
    stock: int | None = None
    delivery_on: date | None = None
    is_shipped: bool = False
    shipping_amount: int = 0


@dataclass(frozen=True)
class CostLineDraft:
    """One thing the goal pays for; the amount in minor units."""

    label: str
    amount: int


def write_text(campaign: Campaign, text: CampaignText) -> list[str]:
    """Set what people read; return the names of what changed."""
    new = {
        "title": clean_text(text.title, field="title", most=LONGEST_TITLE, is_required=True),
        "summary": clean_text(text.summary, field="summary", most=LONGEST_SUMMARY),
        "story": clean_paragraphs(text.story, field="story", most=LONGEST_STORY),
        "place": clean_text(text.place, field="place", most=LONGEST_PLACE),
        "cover_description": clean_text(
            text.cover_description, field="cover_description", most=LONGEST_COVER_DESCRIPTION
        ),
    }
    changed = [name for name, value in new.items() if getattr(campaign, name) != value]
    for name in changed:
        setattr(campaign, name, new[name])
    return changed


def write_cover(campaign: Campaign, *, cover: str | None, description: str) -> list[str]:
    """Set the picture and what it shows; return the names of what changed."""
    described = clean_text(description, field="cover_description", most=LONGEST_COVER_DESCRIPTION)
    new = {"cover": cover, "cover_description": described}
    changed = [name for name, value in new.items() if getattr(campaign, name) != value]
    for name in changed:
        setattr(campaign, name, new[name])
    return changed


def write_terms(campaign: Campaign, terms: CampaignTerms, *, rules: Rules) -> None:
    """Set what people pledge on, within the rules."""
    decimals_of(terms.currency)
    check_amount(terms.goal_amount, terms.currency, field="goal")
    longest = rules.longest_days
    if not 1 <= terms.duration_days <= longest:
        raise InvalidError(
            N_("A campaign lasts from 1 to %(longest)s days."),
            field="duration_days",
            longest=longest,
        )
    if terms.time_zone not in available_timezones():
        raise InvalidError(N_("Choose a time zone of the list."), field="time_zone")
    campaign.category = terms.category
    campaign.goal_amount = terms.goal_amount
    campaign.currency = terms.currency
    campaign.duration_days = terms.duration_days
    campaign.time_zone = terms.time_zone
    campaign.collection = terms.collection


def write_reward(reward: Reward, draft: RewardDraft, campaign: Campaign) -> None:
    """Set what a reward promises; its title differs from the others."""
    title = clean_text(draft.title, field="title", most=LONGEST_REWARD_TITLE, is_required=True)
    if any(other.title == title for other in campaign.rewards if other is not reward):
        raise InvalidError(N_("Another reward has this title."), field="title")
    if draft.stock is not None and not 1 <= draft.stock <= MOST_STOCK:
        raise InvalidError(
            N_("Enter how many there are, from 1 to %(most)s, or nothing when there is no limit."),
            field="stock",
            most=MOST_STOCK,
        )
    reward.title = title
    reward.description = clean_paragraphs(
        draft.description, field="description", most=LONGEST_REWARD_DESCRIPTION
    )
    reward.minimum_amount = check_amount(draft.minimum_amount, campaign.currency, field="minimum")
    reward.stock = draft.stock
    reward.delivery_on = draft.delivery_on
    reward.is_shipped = draft.is_shipped
    reward.shipping_amount = (
        check_amount(draft.shipping_amount, campaign.currency, field="shipping", least=0)
        if draft.is_shipped
        else 0
    )


def write_cost_lines(campaign: Campaign, lines: Sequence[CostLineDraft]) -> None:
    """Write what the goal pays for, whole; the old lines are already gone."""
    if len(lines) > MOST_COST_LINES:
        raise InvalidError(N_("At most %(most)s lines."), field="cost_lines", most=MOST_COST_LINES)
    for position, line in enumerate(lines):
        place = f"cost_lines-{position}"
        label = clean_text(line.label, field=f"{place}-label", most=LONGEST_LABEL, is_required=True)
        amount = check_amount(line.amount, campaign.currency, field=f"{place}-amount")
        campaign.cost_lines.append(CostLine(position=position, label=label, amount=amount))


def free_slug(session: Session, wanted: str, *, is_given: bool) -> str:
    """Return a free slug like ``wanted``; one that is given must be free as it is."""
    slug = slugify(wanted, max_length=LONGEST_SLUG - 5, word_boundary=True) or "campaign"
    if is_given and slug != wanted:
        raise InvalidError(N_("An address holds only a-z, 0-9 and single hyphens."), field="slug")
    taken = set(session.scalars(sa.select(Campaign.slug).where(Campaign.slug.startswith(slug))))
    if slug not in taken:
        return slug
    if is_given:
        raise ConflictError(N_("The address %(slug)s is taken."), field="slug", slug=slug)
    return next(s for n in range(2, len(taken) + 3) if (s := f"{slug}-{n}") not in taken)
