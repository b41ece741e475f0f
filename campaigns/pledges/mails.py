"""What is written to backers about their pledges, in the transactions that change them.

Receipts and mails about money: they are one commit with the money they tell of, and a link in
one opens a receipt, so its token is made with the mail and kept nowhere else.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.models import Collection, Pledge, PledgeLink
from octo.ids import hash_token, new_token
from octo.mail.outbox import enqueue


def tell_activated(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer that the pledge counts, with a link to its receipt."""
    is_card = pledge.campaign.collection is Collection.ON_SUCCESS
    mail_link(session, pledge, template="card_saved" if is_card else "pledge_confirmed", at=at)


def tell_charged(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer that the saved card, or the one that repaired it, was charged."""
    _tell(session, pledge, template="card_charged", at=at)


def tell_canceled(
    session: Session, pledge: Pledge, *, given_back_amount: int, at: datetime
) -> None:
    """Say to a backer that the pledge is canceled, as asked, and what comes back (minor units)."""
    extra = {"given_back_amount": given_back_amount}
    _tell(session, pledge, template="pledge_canceled", at=at, **extra)


def tell_collected(session: Session, pledge: Pledge, *, counted_amount: int, at: datetime) -> None:
    """Say to a backer that the campaign succeeded with what counts of this pledge (minor units)."""
    _tell(session, pledge, template="pledge_collected", at=at, counted_amount=counted_amount)


def tell_refunded(
    session: Session, pledge: Pledge, *, returned_amount: int, withdrawn_amount: int, at: datetime
) -> None:
    """Say to a backer what of a pledge we sent back and what a bank took back (minor units)."""
    extra = {"returned_amount": returned_amount, "withdrawn_amount": withdrawn_amount}
    _tell(session, pledge, template="pledge_refunded", at=at, **extra)


def tell_released(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer that the saved card will not be charged."""
    _tell(session, pledge, template="pledge_released", at=at)


def tell_left_out(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer whose card was declined that the campaign goes ahead without the pledge."""
    _tell(session, pledge, template="pledge_not_collected", at=at)


def issue_link(session: Session, pledge: Pledge, *, at: datetime, is_mailed: bool = False) -> str:
    """Make one more secret link to the receipt and return its token, which is kept nowhere."""
    token = new_token()
    session.add(
        PledgeLink(pledge=pledge, token_hash=hash_token(token), is_mailed=is_mailed, created_at=at)
    )
    return token


def mail_link(
    session: Session, pledge: Pledge, *, template: str, at: datetime, **extra: str | int
) -> None:
    """Write to a backer with a link of their own to the receipt, and what else the mail says."""
    token = issue_link(session, pledge, is_mailed=True, at=at)
    _tell(session, pledge, template=template, at=at, token=token, **extra)


def mail_context(pledge: Pledge) -> dict[str, object]:
    """Return what mails about a pledge say, as plain values."""
    campaign = pledge.campaign
    return {
        "name": pledge.name,
        "campaign_title": campaign.title,
        "campaign_slug": campaign.slug,
        "campaign_id": campaign.public_id,
        "amount": pledge.amount,
        "tip_amount": pledge.tip_amount,
        "total_amount": pledge.total_amount,
        "currency": pledge.currency,
        "reward_title": pledge.reward.title if pledge.reward else "",
        "deadline_at": campaign.deadline_at.isoformat() if campaign.deadline_at else "",
        "time_zone": campaign.time_zone,
        "is_card_saved": campaign.collection is Collection.ON_SUCCESS,
    }


def _tell(
    session: Session, pledge: Pledge, *, template: str, at: datetime, **extra: str | int
) -> None:
    enqueue(
        session,
        to=pledge.email,
        locale=pledge.locale,
        template=template,
        context=mail_context(pledge) | extra,
        at=at,
    )
