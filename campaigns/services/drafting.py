"""Write a campaign: its text, its terms, what it costs and what it promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa
from slugify import slugify
from sqlalchemy.orm import Session

from campaigns.models import (
    Campaign,
    CampaignStatus,
    Category,
    Collection,
    CostLine,
    Reward,
)
from campaigns.services.access import lock_own, own_organisation
from campaigns.services.contact import clean_paragraphs, clean_text
from octo.audit import record
from octo.clock import Clock
from octo.config import Rules
from octo.database import transaction
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import new_public_id
from octo.money import check_amount, decimals_of
from octo.users.models import User

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
_TEXT_IS_OPEN: Final = frozenset(
    {CampaignStatus.DRAFT, CampaignStatus.GATHERING, CampaignStatus.LIVE}
)


class NotEditableError(ConflictError):
    """The campaign's status does not let this be changed."""

    code = "not_editable"


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


def draft_campaign(
    *,
    organisation_id: str,
    text: CampaignText,
    terms: CampaignTerms,
    actor: User,
    clock: Clock,
    rules: Rules,
    slug: str | None = None,
) -> Campaign:
    """Begin a campaign of an organisation ``actor`` belongs to; a given slug must be free."""
    with transaction() as session:
        at = clock.now()
        organisation = own_organisation(session, organisation_id=organisation_id, actor=actor)
        campaign = Campaign(
            public_id=new_public_id("cmp"),
            slug=_free_slug(session, slug or text.title, is_given=slug is not None),
            organisation_id=organisation.id,
            created_at=at,
        )
        _write_text(campaign, text)
        _write_terms(campaign, terms, rules=rules)
        session.add(campaign)
        _note(session, actor, campaign, "campaign.drafted", at=at)
        return campaign


def edit_text(campaign_id: str, *, text: CampaignText, actor: User, clock: Clock) -> Campaign:
    """Change what people read; on the record once the campaign was approved."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_text_is_open(campaign)
        changed = _write_text(campaign, text)
        _note_if_public(session, actor, campaign, changed, at=clock.now())
        return campaign


def edit_terms(
    campaign_id: str, *, terms: CampaignTerms, actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Change what people will pledge on; refused from submission on."""
    del clock
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_is_draft(campaign)
        has_amounts = campaign.rewards or campaign.cost_lines
        if terms.currency != campaign.currency and has_amounts:
            raise InvalidError(
                N_("Remove the rewards and the cost lines before changing the currency."),
                field="currency",
            )
        _write_terms(campaign, terms, rules=rules)
        return campaign


def set_cover(campaign_id: str, *, cover: str | None, actor: User, clock: Clock) -> Campaign:
    """Show another picture; ``cover`` is the name the storage gave to it."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_text_is_open(campaign)
        changed = [] if campaign.cover == cover else ["cover"]
        campaign.cover = cover
        _note_if_public(session, actor, campaign, changed, at=clock.now())
        return campaign


def set_cost_lines(campaign_id: str, *, lines: Sequence[CostLineDraft], actor: User) -> Campaign:
    """Write what the goal pays for, whole; refused from submission on."""
    if len(lines) > MOST_COST_LINES:
        raise InvalidError(N_("At most %(most)s lines."), field="cost_lines", most=MOST_COST_LINES)
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_is_draft(campaign)
        campaign.cost_lines = []
        session.flush()
        for position, line in enumerate(lines):
            place = f"cost_lines-{position}"
            label = clean_text(
                line.label, field=f"{place}-label", most=LONGEST_LABEL, is_required=True
            )
            amount = check_amount(line.amount, campaign.currency, field=f"{place}-amount")
            campaign.cost_lines.append(CostLine(position=position, label=label, amount=amount))
        return campaign


def add_reward(campaign_id: str, *, reward: RewardDraft, actor: User, clock: Clock) -> Reward:
    """Promise something more, also while the campaign runs."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_text_is_open(campaign)
        if len(campaign.rewards) >= MOST_REWARDS:
            raise InvalidError(N_("At most %(most)s rewards."), field="title", most=MOST_REWARDS)
        position = max((known.position for known in campaign.rewards), default=-1) + 1
        added = Reward(public_id=new_public_id("rwd"), position=position)
        _write_reward(added, reward, campaign)
        campaign.rewards.append(added)
        _note_if_public(session, actor, campaign, ["rewards"], at=clock.now())
        return added


def edit_reward(campaign_id: str, reward_id: str, *, reward: RewardDraft, actor: User) -> Reward:
    """Change a promise nobody has pledged for yet; refused from submission on."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_is_draft(campaign)
        known = _get_reward(campaign, reward_id)
        _write_reward(known, reward, campaign)
        return known


def remove_reward(campaign_id: str, reward_id: str, *, actor: User) -> None:
    """Take back a promise nobody has pledged for yet; refused from submission on."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_is_draft(campaign)
        campaign.rewards.remove(_get_reward(campaign, reward_id))


def delete_draft(campaign_id: str, *, actor: User, clock: Clock) -> None:
    """Throw a draft away; a campaign that has been further stays for the record."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _check_is_draft(campaign)
        if campaign.submitted_at is not None:
            raise NotEditableError(N_("A campaign that has been submitted is kept."))
        _note(session, actor, campaign, "campaign.deleted", at=clock.now())
        session.delete(campaign)


def _write_text(campaign: Campaign, text: CampaignText) -> list[str]:
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


def _write_terms(campaign: Campaign, terms: CampaignTerms, *, rules: Rules) -> None:
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


def _write_reward(reward: Reward, draft: RewardDraft, campaign: Campaign) -> None:
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


def _get_reward(campaign: Campaign, reward_id: str) -> Reward:
    for reward in campaign.rewards:
        if reward.public_id == reward_id:
            return reward
    raise NotFoundError(N_("Nothing was found at this address."))


def _check_is_draft(campaign: Campaign) -> None:
    if campaign.status is not CampaignStatus.DRAFT:
        raise NotEditableError(N_("This can be changed only while the campaign is a draft."))


def _check_text_is_open(campaign: Campaign) -> None:
    if campaign.status not in _TEXT_IS_OPEN:
        raise NotEditableError(N_("This campaign can no longer be changed."))


def _free_slug(session: Session, wanted: str, *, is_given: bool) -> str:
    slug = slugify(wanted, max_length=LONGEST_SLUG - 5, word_boundary=True) or "campaign"
    if is_given and slug != wanted:
        raise InvalidError(N_("An address holds only a-z, 0-9 and single hyphens."), field="slug")
    taken = set(session.scalars(sa.select(Campaign.slug).where(Campaign.slug.startswith(slug))))
    if slug not in taken:
        return slug
    if is_given:
        raise ConflictError(N_("The address %(slug)s is taken."), field="slug", slug=slug)
    return next(s for n in range(2, len(taken) + 3) if (s := f"{slug}-{n}") not in taken)


def _note_if_public(
    session: Session, actor: User, campaign: Campaign, changed: Sequence[str], *, at: datetime
) -> None:
    if changed and campaign.status is not CampaignStatus.DRAFT:
        _note(session, actor, campaign, "campaign.edited", at=at, changed=changed)


def _note(
    session: Session,
    actor: User,
    campaign: Campaign,
    action: str,
    *,
    at: datetime,
    changed: Sequence[str] = (),
) -> None:
    record(
        session,
        actor=actor.public_id,
        action=action,
        subject=campaign.public_id,
        at=at,
        changed=list(changed),
    )


def shown_in(at: datetime, campaign: Campaign) -> datetime:
    """Return an instant as the clocks of the campaign's place show it."""
    return at.astimezone(ZoneInfo(campaign.time_zone))
