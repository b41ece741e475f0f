"""Stand behind a campaign before its launch, by a word and a verified e-mail."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.models import Campaign, Supporter
from campaigns.models.limits import LONGEST_NAME, LONGEST_WORD
from campaigns.policy.supporters import check_gathering, check_supporter
from campaigns.settings import Rules
from octo.accounts.members import members_of
from octo.accounts.models import User
from octo.clock import Clock
from octo.database import lock, reading, transaction
from octo.email_address import normalise_email
from octo.errors import N_, NotFoundError
from octo.ids import hash_token, new_public_id, new_token
from octo.input_checks import InputChecks
from octo.mail.outbox import enqueue
from octo.text import clean_text


def support_campaign(
    campaign_id: str, *, email: str, name: str, word: str, locale: str, clock: Clock
) -> None:
    """Note a supporter and mail the link that makes the support count.

    The answer is the same whether or not the address is known: a second asking mails a new
    link, unless the first was followed already.
    """
    with InputChecks() as check:
        address = check(normalise_email, email)
        shown = check(clean_text, name, field="name", most=LONGEST_NAME, is_required=True)
        said = check(clean_text, word, field="word", most=LONGEST_WORD)
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        check_gathering(campaign.status)
        at = clock.now()
        supporter = session.scalars(
            sa.select(Supporter).filter_by(campaign_id=campaign.id, email=address)
        ).one_or_none()
        if supporter is None:
            supporter = Supporter(
                public_id=new_public_id("sup"), campaign=campaign, email=address, created_at=at
            )
            session.add(supporter)
        if supporter.verified_at is not None:
            return
        token = new_token()
        supporter.name = shown
        supporter.word = said
        supporter.token_hash = hash_token(token)
        enqueue(
            session,
            to=address,
            locale=locale,
            template="supporter_confirm",
            context={
                "campaign_title": campaign.title,
                "campaign_slug": campaign.slug,
                "token": token,
            },
            at=at,
        )


def get_supported_campaign(token: str) -> Campaign:
    """Return the campaign that whoever was mailed this link would stand behind."""
    with reading() as session:
        return session.get_one(Campaign, _get_supporter(session, token).campaign_id)


def confirm_support(token: str, *, clock: Clock, rules: Rules) -> Campaign:
    """Count a supporter whose mailed link was followed; following it twice changes nothing.

    The owner's own address verifies but does not count.
    """
    with transaction() as session:
        found = _get_supporter(session, token)
        campaign = lock(session, Campaign, id=found.campaign_id)
        supporter = lock(session, Supporter, id=found.id)
        if supporter.verified_at is not None:
            return campaign
        check_gathering(campaign.status)
        members = members_of(campaign.organisation_id)
        is_owner = session.scalars(
            sa.select(User.id).where(User.email == supporter.email, User.id.in_(members))
        ).first()
        check_supporter(runs_campaign=is_owner is not None)
        at = clock.now()
        supporter.verified_at = at
        campaign.supporters_count += 1
        if campaign.supporters_count == rules.supporters_needed:
            record_campaign_event(session, campaign, CampaignEvent.SUPPORTERS_GATHERED, at=at)
        return campaign


def _get_supporter(session: Session, token: str) -> Supporter:
    """Return whoever was mailed a link."""
    known = sa.select(Supporter).filter_by(token_hash=hash_token(token))
    found = session.scalars(known).one_or_none()
    if found is None:
        raise NotFoundError(N_("This link is not valid any more."))
    return found
