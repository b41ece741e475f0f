"""Pledge to a campaign: the pledge is written down, and waits for its money."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge, Reward, Visibility
from campaigns.models.limits import LONGEST_NAME, LONGEST_WORD
from campaigns.pledges.mails import issue_link
from campaigns.pledges.transitions import take_reward
from campaigns.policy.pledges import (
    LEAST_PLEDGE,
    MOST_PLEDGE,
    CampaignNotOpenError,
    abandoned_at,
    check_reward_minimum,
    check_takes_pledges,
    most_pledge,
)
from campaigns.settings import Rules
from octo.clock import Clock
from octo.database import reading, transaction
from octo.email_address import normalise_email
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import hash_token, new_public_id
from octo.input_checks import InputChecks
from octo.money import check_amount
from octo.text import clean_text

ADDRESS_FIELDS: Final = {"line1": 200, "line2": 200, "postal_code": 20, "city": 100, "country": 2}
_SOLD_OUT: Final = N_("This reward is sold out. Choose another one.")
_OPTIONAL_ADDRESS_FIELDS: Final = frozenset({"line2"})


class SoldOutError(ConflictError):
    """None of this reward is left."""

    code = "sold_out"


class RequestKeyReusedError(ConflictError):
    """The same key came with another pledge."""

    code = "request_key_reused"


@dataclass(frozen=True)
class PledgeWish:
    """What a backer asks for, in minor units; ``amount`` is before the reward's shipping.

    ``unread`` are the fields of a form that could not be read: the wish is refused for them too.
    """

    amount: int
    email: str
    locale: str
    request_key: str
    reward_id: str | None = None
    tip_amount: int = 0
    user_id: int | None = None
    name: str = ""
    visibility: Visibility = Visibility.ANONYMOUS
    message: str = ""
    address: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[InvalidError, ...] = ()


@dataclass(frozen=True)
class PlacedPledge:
    """A pledge, a fresh token that opens its receipt, and whether it was placed before."""

    pledge: Pledge
    token: str
    is_repeated: bool = False


def place_pledge(campaign_id: str, wish: PledgeWish, *, clock: Clock, rules: Rules) -> PlacedPledge:
    """Write down a pledge that waits for its money, with its reward's unit held.

    The same ``request_key`` gives the same pledge again, so that a form sent twice pledges
    once; with another wish it is refused.
    """
    try:
        return _place(campaign_id, wish, clock=clock, rules=rules)
    except (IntegrityError, SoldOutError, CampaignNotOpenError):
        # A request with the same key may have been committed since ours looked, and hold the last
        # unit, or have come in time.
        with reading() as session:
            if _find_same(session, wish) is None:
                raise
        return _place(campaign_id, wish, clock=clock, rules=rules)


def preview_pledge(campaign_id: str, wish: PledgeWish, *, clock: Clock) -> Pledge:
    """Return what a wish would come to, or refuse it as ``place_pledge`` would; writes nothing."""
    with reading() as session:
        campaign = session.scalars(sa.select(Campaign).filter_by(public_id=campaign_id)).one()
        check_takes_pledges(campaign.status, deadline_at=campaign.deadline_at, at=clock.now())
        reward = _find_reward(session, campaign, wish.reward_id)
        if reward is not None and reward.is_sold_out:
            raise SoldOutError(_SOLD_OUT, field="reward")
        return _pledge_of(wish, campaign, reward)


def shipping_of(reward: Reward | None) -> int:
    """Return what sending a reward adds to a pledge, in minor units."""
    return reward.shipping_amount if reward is not None and reward.is_shipped else 0


def _place(campaign_id: str, wish: PledgeWish, *, clock: Clock, rules: Rules) -> PlacedPledge:
    with transaction() as session:
        pledge = _find_same(session, wish)
        is_repeated = pledge is not None
        campaign = _find_campaign(session, campaign_id, is_shared=pledge is None)
        at = clock.now()
        reward = _find_reward(session, campaign, wish.reward_id)
        wished = _pledge_of(wish, campaign, reward)
        if pledge is not None:
            _check_same(pledge, wished)
        else:
            check_takes_pledges(campaign.status, deadline_at=campaign.deadline_at, at=at)
            pledge = wished
            pledge.created_at = at
            pledge.expires_at = abandoned_at(at, checkout_minutes=rules.checkout_minutes)
            _hold_reward(session, pledge, reward)
            session.add(pledge)
            session.flush()
        return PlacedPledge(pledge, issue_link(session, pledge, at=at), is_repeated=is_repeated)


def _pledge_of(wish: PledgeWish, campaign: Campaign, reward: Reward | None) -> Pledge:
    shipping_amount = shipping_of(reward)
    with InputChecks(wish.unread) as check:
        _check_amounts(wish, campaign, reward, check)
        email = check(normalise_email, wish.email)
        name = check(clean_text, wish.name, field="name", most=LONGEST_NAME)
        message = check(clean_text, wish.message, field="message", most=LONGEST_WORD)
        address = (
            _clean_address(wish.address, check)
            if reward is not None and reward.is_shipped
            else None
        )
    return Pledge(
        public_id=new_public_id("plg"),
        request_key=_key_of(wish),
        campaign_id=campaign.id,
        reward_id=reward.id if reward is not None else None,
        user_id=wish.user_id,
        email=email,
        name=name,
        locale=wish.locale,
        amount=wish.amount + shipping_amount,
        shipping_amount=shipping_amount,
        tip_amount=wish.tip_amount,
        currency=campaign.currency,
        visibility=wish.visibility,
        message=message,
        address=address,
    )


def _check_amounts(
    wish: PledgeWish, campaign: Campaign, reward: Reward | None, check: InputChecks
) -> None:
    currency = campaign.currency
    check(check_amount, wish.tip_amount, currency, field="tip", least=0, most=MOST_PLEDGE)
    most = most_pledge(tip=wish.tip_amount, shipping=shipping_of(reward))
    check(check_amount, wish.amount, currency, least=LEAST_PLEDGE, most=most)
    if reward is not None:
        check(check_reward_minimum, wish.amount, minimum=reward.minimum_amount, currency=currency)


def _key_of(wish: PledgeWish) -> str:
    return hash_token(f"{wish.user_id or 'guest'}:{wish.request_key}")


def _find_campaign(session: Session, campaign_id: str, *, is_shared: bool) -> Campaign:
    """Read the campaign; ``is_shared``, closing waits for this pledge or is seen.

    Only for a new pledge: the link to one that stands locks it, and pledges come before campaigns.
    """
    statement = sa.select(Campaign).where(Campaign.public_id == campaign_id)
    if is_shared:
        statement = statement.with_for_update(read=True, of=Campaign)
    statement = statement.execution_options(populate_existing=True)
    campaign = session.scalars(statement).one_or_none()
    if campaign is None or not campaign.is_public:
        raise NotFoundError(N_("Nothing was found at this address."))
    return campaign


def _find_reward(session: Session, campaign: Campaign, reward_id: str | None) -> Reward | None:
    if reward_id is None:
        return None
    statement = sa.select(Reward).filter_by(public_id=reward_id, campaign_id=campaign.id)
    reward = session.scalars(statement).one_or_none()
    if reward is None:
        raise InvalidError(N_("Choose a reward of this campaign."), field="reward")
    return reward


def _clean_address(address: Mapping[str, str], check: InputChecks) -> dict[str, str]:
    cleaned = {}
    for line, most in ADDRESS_FIELDS.items():
        cleaned[line] = check(clean_text, address.get(line, ""), field=line, most=most)
        if not address.get(line, "").strip() and line not in _OPTIONAL_ADDRESS_FIELDS:
            check.refuse(InvalidError(N_("This reward is sent by post: say where."), field=line))
    return cleaned


def _find_same(session: Session, wish: PledgeWish) -> Pledge | None:
    return session.scalars(sa.select(Pledge).filter_by(request_key=_key_of(wish))).one_or_none()


def _check_same(known: Pledge, wished: Pledge) -> None:
    compared = (
        *("campaign_id", "reward_id", "email", "amount", "tip_amount", "user_id"),
        *("name", "message", "visibility", "address"),
    )
    if any(getattr(known, side) != getattr(wished, side) for side in compared):
        raise RequestKeyReusedError(N_("This request was already used for another pledge."))


def _hold_reward(session: Session, pledge: Pledge, reward: Reward | None) -> None:
    if reward is None:
        return
    if not take_reward(session, reward):
        raise SoldOutError(_SOLD_OUT, field="reward")
    pledge.holds_reward = True
