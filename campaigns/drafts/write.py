"""What may stand in a campaign: checked, cleaned and written on its rows, in one transaction.

Pages, the API and imported files all go through here, so they refuse the same things, and all
of them at once. A draft's ``unread`` are the fields of a form that could not even be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Category, Collection, CostLine, Reward
from campaigns.models.limits import (
    LONGEST_COVER_DESCRIPTION,
    LONGEST_LABEL,
    LONGEST_PLACE,
    LONGEST_REWARD_DESCRIPTION,
    LONGEST_REWARD_TITLE,
    LONGEST_SLUG,
    LONGEST_STORY,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    MOST_COST_LINES,
    MOST_STOCK,
)
from campaigns.settings import Rules
from octo.errors import N_, ConflictError, InvalidError
from octo.input_checks import InputChecks
from octo.money import check_amount, decimals_of
from octo.text import clean_paragraphs, clean_text, slug_of

_BAD_STOCK: Final = N_(
    "Enter how many there are, from 1 to %(most)s, or nothing when there is no limit."
)


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
    unread: tuple[InvalidError, ...] = ()


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
    unread: tuple[InvalidError, ...] = ()


@dataclass(frozen=True)
class CostLineDraft:
    """One thing the goal pays for; the amount in minor units."""

    label: str
    amount: int
    unread: tuple[InvalidError, ...] = ()


def write_text(campaign: Campaign, text: CampaignText) -> list[str]:
    """Set what people read; return the names of what changed."""
    with InputChecks() as check:
        new = {
            "title": check(
                clean_text, text.title, field="title", most=LONGEST_TITLE, is_required=True
            ),
            "summary": check(clean_text, text.summary, field="summary", most=LONGEST_SUMMARY),
            "story": check(clean_paragraphs, text.story, field="story", most=LONGEST_STORY),
            "place": check(clean_text, text.place, field="place", most=LONGEST_PLACE),
            "cover_description": check(_clean_description, text.cover_description),
        }
    changed = [name for name, value in new.items() if getattr(campaign, name) != value]
    for name in changed:
        setattr(campaign, name, new[name])
    return changed


def write_cover(
    campaign: Campaign,
    *,
    cover: str | None,
    description: str,
    unread: Sequence[InvalidError] = (),
) -> list[str]:
    """Set the picture and what it shows; return the names of what changed."""
    with InputChecks(unread) as check:
        new = {"cover": cover, "cover_description": check(_clean_description, description)}
    changed = [name for name, value in new.items() if getattr(campaign, name) != value]
    for name in changed:
        setattr(campaign, name, new[name])
    return changed


def write_terms(campaign: Campaign, terms: CampaignTerms, *, rules: Rules) -> None:
    """Set what people pledge on, within the rules."""
    decimals_of(terms.currency)
    longest = longest_duration(terms.collection, rules)
    with InputChecks(terms.unread) as check:
        check(check_amount, terms.goal_amount, terms.currency, field="goal")
        if not 1 <= terms.duration_days <= longest:
            check.refuse(
                InvalidError(
                    N_("Enter a number of days, from 1 to %(longest)s."),
                    field="duration_days",
                    longest=longest,
                )
            )
        if terms.time_zone not in available_timezones():
            check.refuse(InvalidError(N_("Choose a time zone of the list."), field="time_zone"))
    campaign.category = terms.category
    campaign.goal_amount = terms.goal_amount
    campaign.currency = terms.currency
    campaign.duration_days = terms.duration_days
    campaign.time_zone = terms.time_zone
    campaign.collection = terms.collection


def longest_duration(collection: Collection, rules: Rules) -> int:
    """Return how many days a campaign may be given at first, by when its cards are charged."""
    if collection is Collection.ON_PLEDGE:
        return min(rules.longest_days, rules.on_pledge_longest_days)
    return min(rules.longest_days, rules.on_success_longest_days)


def write_reward(reward: Reward, draft: RewardDraft, campaign: Campaign) -> None:
    """Set what a reward promises; its title differs from the others."""
    with InputChecks(draft.unread) as check:
        title = check(
            clean_text, draft.title, field="title", most=LONGEST_REWARD_TITLE, is_required=True
        )
        if any(other.title == title for other in campaign.rewards if other is not reward):
            check.refuse(InvalidError(N_("Another reward has this title."), field="title"))
        description = check(
            clean_paragraphs,
            draft.description,
            field="description",
            most=LONGEST_REWARD_DESCRIPTION,
        )
        check(check_amount, draft.minimum_amount, campaign.currency, field="minimum")
        if draft.stock is not None and not 1 <= draft.stock <= MOST_STOCK:
            check.refuse(InvalidError(_BAD_STOCK, field="stock", most=MOST_STOCK))
        if draft.is_shipped:
            check(check_amount, draft.shipping_amount, campaign.currency, field="shipping", least=0)
    reward.title = title
    reward.description = description
    reward.minimum_amount = draft.minimum_amount
    reward.stock = draft.stock
    reward.delivery_on = draft.delivery_on
    reward.is_shipped = draft.is_shipped
    reward.shipping_amount = draft.shipping_amount if draft.is_shipped else 0


def write_cost_lines(campaign: Campaign, lines: Sequence[CostLineDraft]) -> None:
    """Write what the goal pays for, whole; the old lines are already gone."""
    if len(lines) > MOST_COST_LINES:
        raise InvalidError(N_("At most %(most)s lines."), field="cost_lines", most=MOST_COST_LINES)
    with InputChecks(error for line in lines for error in line.unread) as check:
        written = [
            CostLine(
                position=position,
                label=check(
                    clean_text,
                    line.label,
                    field=f"cost_lines-{position}-label",
                    most=LONGEST_LABEL,
                    is_required=True,
                ),
                amount=check(
                    check_amount,
                    line.amount,
                    campaign.currency,
                    field=f"cost_lines-{position}-amount",
                ),
            )
            for position, line in enumerate(lines)
        ]
    campaign.cost_lines.extend(written)


def _clean_description(written: str) -> str:
    return clean_text(written, field="cover_description", most=LONGEST_COVER_DESCRIPTION)


def free_slug(session: Session, wanted: str, *, is_given: bool) -> str:
    """Return a free slug like ``wanted``; one that is given must be free as it is."""
    slug = slug_of(wanted, most=LONGEST_SLUG - 5) or "campaign"
    if is_given and slug != wanted:
        raise InvalidError(N_("An address holds only a-z, 0-9 and single hyphens."), field="slug")
    taken = set(session.scalars(sa.select(Campaign.slug).where(Campaign.slug.startswith(slug))))
    if slug not in taken:
        return slug
    if is_given:
        raise ConflictError(N_("The address %(slug)s is taken."), field="slug", slug=slug)
    return next(s for n in range(2, len(taken) + 3) if (s := f"{slug}-{n}") not in taken)
