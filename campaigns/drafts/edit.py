"""Write a campaign: its text, its terms, what it costs and what it promises."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.drafts.write import (
    CampaignTerms,
    CampaignText,
    CostLineDraft,
    RewardDraft,
    free_slug,
    write_cost_lines,
    write_cover,
    write_reward,
    write_terms,
    write_text,
)
from campaigns.models import Campaign, Reward
from campaigns.permissions import EDIT_CAMPAIGN
from campaigns.policy.drafts import (
    check_can_delete,
    check_currency,
    check_room_for_reward,
    check_terms_open,
    check_text_open,
    is_public_edit,
)
from campaigns.settings import Rules
from campaigns.team.access import lock_permitted, writable_organisation
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.database import transaction
from octo.errors import N_, InvalidError, NotFoundError
from octo.ids import new_public_id
from octo.input_checks import InputChecks


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
        organisation = writable_organisation(session, organisation_id=organisation_id, actor=actor)
        campaign = Campaign(
            public_id=new_public_id("cmp"),
            slug=free_slug(session, slug or text.title, is_given=slug is not None),
            organisation_id=organisation.id,
            created_at=at,
        )
        with InputChecks() as check:
            check(write_text, campaign, text)
            check(write_terms, campaign, terms, rules=rules)
        session.add(campaign)
        _note(session, actor, campaign, "campaign.drafted", at=at)
        return campaign


def edit_text(campaign_id: str, *, text: CampaignText, actor: User, clock: Clock) -> Campaign:
    """Change what people read; on the record once the campaign was approved."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_text_open(campaign.status)
        changed = write_text(campaign, text)
        _note_if_public(session, actor, campaign, changed, at=clock.now())
        return campaign


def edit_campaign(
    campaign_id: str,
    *,
    text: CampaignText,
    terms: CampaignTerms | None,
    actor: User,
    clock: Clock,
    rules: Rules,
) -> Campaign:
    """Change the text and perhaps the terms, both or neither."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_text_open(campaign.status)
        with InputChecks() as check:
            if terms is not None:
                check(_change_terms, campaign, terms, rules=rules)
            changed = check(write_text, campaign, text)
        _note_if_public(session, actor, campaign, changed, at=clock.now())
        return campaign


def edit_terms(campaign_id: str, *, terms: CampaignTerms, actor: User, rules: Rules) -> Campaign:
    """Change what people will pledge on; refused from submission on."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        _change_terms(campaign, terms, rules=rules)
        return campaign


def set_cover(
    campaign_id: str,
    *,
    cover: str | None,
    description: str,
    actor: User,
    clock: Clock,
    unread: Sequence[InvalidError] = (),
) -> Campaign:
    """Show another picture, or the same, and say what it shows.

    ``cover`` is the name the storage gave to it; without one, the picture stays. ``unread``
    holds the refusal of a picture that could not be read.
    """
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_text_open(campaign.status)
        changed = write_cover(
            campaign, cover=cover or campaign.cover, description=description, unread=unread
        )
        _note_if_public(session, actor, campaign, changed, at=clock.now())
        return campaign


def set_cost_lines(campaign_id: str, *, lines: Sequence[CostLineDraft], actor: User) -> Campaign:
    """Write what the goal pays for, whole; refused from submission on."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_terms_open(campaign.status)
        campaign.cost_lines = []
        session.flush()
        write_cost_lines(campaign, lines)
        return campaign


def add_reward(campaign_id: str, *, reward: RewardDraft, actor: User, clock: Clock) -> Reward:
    """Promise something more, also while the campaign runs."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_text_open(campaign.status)
        check_room_for_reward(len(campaign.rewards))
        position = max((known.position for known in campaign.rewards), default=-1) + 1
        added = Reward(public_id=new_public_id("rwd"), position=position)
        write_reward(added, reward, campaign)
        campaign.rewards.append(added)
        _note_if_public(session, actor, campaign, ["rewards"], at=clock.now())
        return added


def edit_reward(campaign_id: str, reward_id: str, *, reward: RewardDraft, actor: User) -> Reward:
    """Change a promise nobody has pledged for yet; refused from submission on."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_terms_open(campaign.status)
        known = _get_reward(campaign, reward_id)
        write_reward(known, reward, campaign)
        return known


def remove_reward(campaign_id: str, reward_id: str, *, actor: User) -> None:
    """Take back a promise nobody has pledged for yet; refused from submission on."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_terms_open(campaign.status)
        campaign.rewards.remove(_get_reward(campaign, reward_id))


def delete_draft(campaign_id: str, *, actor: User, clock: Clock) -> None:
    """Throw a draft away; a campaign that has been further stays for the record."""
    with transaction() as session:
        campaign = lock_permitted(session, EDIT_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        check_can_delete(campaign.status, submitted_at=campaign.submitted_at)
        _note(session, actor, campaign, "campaign.deleted", at=clock.now())
        session.delete(campaign)


def _change_terms(campaign: Campaign, terms: CampaignTerms, *, rules: Rules) -> None:
    check_terms_open(campaign.status)
    has_amounts = bool(campaign.rewards or campaign.cost_lines)
    check_currency(terms.currency, present=campaign.currency, has_amounts=has_amounts)
    write_terms(campaign, terms, rules=rules)


def _get_reward(campaign: Campaign, reward_id: str) -> Reward:
    for reward in campaign.rewards:
        if reward.public_id == reward_id:
            return reward
    raise NotFoundError(N_("Nothing was found at this address."))


def _note_if_public(
    session: Session, actor: User, campaign: Campaign, changed: Sequence[str], *, at: datetime
) -> None:
    if changed and is_public_edit(campaign.status):
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
