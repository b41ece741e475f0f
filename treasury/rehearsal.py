"""Say what would happen to the money of campaigns that are due, and change nothing.

Every answer comes from the function that the real run decides with: the steps and figures of
``policy``, and the conditions by which payments are refunded and owners paid. Stripe is only read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.judge import read_inputs
from campaigns.deadline.transitions import find_due
from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.policy.verdict import Step, next_step, outcome_of
from campaigns.resources import Resource
from octo.clock import Clock
from octo.config import Settings
from octo.database import reading
from octo.errors import N_, NotFoundError
from payments.accounting.cover import cover
from payments.documents.counted import HAS_PAYMENT
from payments.documents.figures import read_figures, read_processor_fees, terms_of
from payments.documents.owner_balance import is_under_way
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import (
    Block,
    BooksState,
    CardStatus,
    ConnectedAccount,
    Discrepancy,
    Freeze,
    OwnerReadiness,
    Payment,
    Reconciliation,
    Refund,
    SavedCard,
    Transfer,
    TransferStatus,
)
from payments.owners.accounts import readiness_of
from payments.policy import Figures, obstacle_to_transfer
from payments.settings import SettlementTerms
from payments.settlement.open_payments import list_unresolved
from payments.settlement.resource import read_collected_amount
from payments.settlement.settle import is_left, is_to_refund
from payments.settlement.transfer import due_elsewhere, latest_available_at

_AT_WORK: Final = (CampaignStatus.CLOSING, CampaignStatus.COLLECTING, CampaignStatus.SETTLING)
_LAUNCHED: Final = frozenset({CampaignStatus.LIVE, CampaignStatus.SUSPENDED, *_AT_WORK})
_LEFT: Final = (
    Payment.amount + Payment.tip_amount - Payment.refunded_amount - Payment.disputed_amount
)


class NotToRehearseError(NotFoundError):
    """No campaign of this name has money to settle."""

    code = "not_to_rehearse"


@dataclass(frozen=True)
class Amounts:
    """How many of something, and how much in all, in minor units."""

    count: int = 0
    amount: int = 0


@dataclass(frozen=True)
class PlannedTransfer:
    """What its owner would be sent, to which Stripe account, and what that would wait for."""

    amount: int
    stripe_account_id: str | None
    waits_for: Block | None
    available_at: datetime | None


@dataclass(frozen=True)
class CampaignPlan:
    """What would become of one campaign now; amounts in minor units of its currency.

    ``in_flight_count`` payments or cards would be seen to their end first, and may change the
    verdict. ``shortfall_amount`` is what is missing of the goal. ``float_amount`` is what Stripe
    kept of the payments given back: the operator's own money pays it.
    """

    slug: str
    title: str
    currency: str
    deadline_at: datetime
    step: Step
    outcome: Outcome | None
    in_flight_count: int
    shortfall_amount: int
    charges: Amounts
    refunds: Amounts
    figures: Figures
    processor_fees_amount: int
    float_amount: int
    transfer: PlannedTransfer | None
    troubles: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """What tonight would look like; ``missing_amount`` is what the operator must top up first."""

    at: datetime
    currency: str
    campaigns: tuple[CampaignPlan, ...]
    cover_amount: int
    available_amount: int | None
    is_stripe_away: bool
    is_behind_stripe: bool

    @property
    def float_amount(self) -> int:
        """Return what all these campaigns take of the operator's float."""
        return sum(plan.float_amount for plan in self.campaigns)

    @property
    def missing_amount(self) -> int:
        """Return by how much the cover is below zero: somebody could not be paid back."""
        return max(-self.cover_amount, 0)

    @property
    def is_well(self) -> bool:
        """Tell whether nothing stands in the way."""
        has_troubles = any(plan.troubles for plan in self.campaigns)
        is_held = self.is_stripe_away or self.is_behind_stripe
        return not (has_troubles or self.missing_amount or is_held)


def rehearse(
    slugs: Sequence[str],
    *,
    resources: Sequence[Resource],
    gateway: Gateway,
    settings: Settings,
    clock: Clock,
) -> Rehearsal:
    """Plan what would happen now to the campaigns that are due or settling, or to those named.

    A named one that still runs is taken as if its deadline had come.
    """
    with reading() as session:
        planner = _Planner(session, resources, settings, StripeFacts(), at=clock.now())
        accounts = planner.list_accounts_to_pay(_find_campaigns(session, slugs, at=planner.at))
    currency = settings.currency
    facts = _ask_stripe(gateway, accounts, currency)
    with reading() as session:
        planner = _Planner(session, resources, settings, facts, at=clock.now())
        state = session.scalar(sa.select(Reconciliation.state))
        return Rehearsal(
            at=planner.at,
            currency=currency,
            campaigns=tuple(planner.plan(_find_campaigns(session, slugs, at=planner.at))),
            cover_amount=cover(session, currency).amount,
            available_amount=facts.available.get(currency),
            is_stripe_away=facts.is_away,
            is_behind_stripe=state is BooksState.BEHIND_STRIPE,
        )


@dataclass
class StripeFacts:
    """What Stripe says of what is planned, asked for while no transaction is open.

    Where it is silent, an account stands as it was last seen, and no balance is known.
    """

    available: dict[str, int] = field(default_factory=dict)
    readiness: dict[str, OwnerReadiness] = field(default_factory=dict)
    is_away: bool = False


def _ask_stripe(gateway: Gateway, account_ids: Sequence[str], currency: str) -> StripeFacts:
    facts = StripeFacts()
    try:
        facts.available[currency] = gateway.available_amount(currency)
        for account_id in account_ids:
            facts.readiness[account_id] = readiness_of(gateway.get_account(account_id))
    except StripeAwayError:
        facts.is_away = True
    return facts


class _Planner:
    """Plans campaign after campaign, in the order of the real run: each leaves less to the next."""

    def __init__(
        self,
        session: Session,
        resources: Sequence[Resource],
        settings: Settings,
        facts: StripeFacts,
        *,
        at: datetime,
    ) -> None:
        self.at = at
        self._session = session
        self._resources = resources
        self._in_force = settings.of(SettlementTerms)
        self._facts = facts
        self._drawn: dict[str, int] = {}

    def plan(self, campaigns: Sequence[Campaign]) -> list[CampaignPlan]:
        """Plan all of them: first what is given back, which transfers must leave alone."""
        steps = [(campaign, self._step(campaign)) for campaign in campaigns]
        for campaign, step in steps:
            is_counted_elsewhere = campaign.status is CampaignStatus.SETTLING
            if step is Step.GIVE_BACK and not is_counted_elsewhere:
                self._draw(campaign, self._sum(is_left(campaign.id)).amount)
        return [self._plan(campaign, step) for campaign, step in steps]

    def list_accounts_to_pay(self, campaigns: Sequence[Campaign]) -> list[str]:
        """List the Stripe accounts of the owners whose campaigns would be settled."""
        accounts = (
            self._find_account(campaign)
            for campaign in campaigns
            if self._step(campaign) is Step.SETTLE
        )
        return [one.stripe_account_id for one in accounts if one and one.stripe_account_id]

    def _step(self, campaign: Campaign) -> Step:
        """Decide as the real run will, once nothing is in flight any more."""
        if campaign.status is CampaignStatus.SETTLING:
            return Step.SETTLE if campaign.outcome is Outcome.SUCCEEDED else Step.GIVE_BACK
        inputs = read_inputs(self._session, campaign, self._resources, at=self.at)
        if campaign.status is CampaignStatus.COLLECTING:
            return next_step(inputs)
        is_canceled = inputs.is_canceled or campaign.status is CampaignStatus.SUSPENDED
        return next_step(replace(inputs, is_canceled=is_canceled, is_in_flight=False))

    def _plan(self, campaign: Campaign, step: Step) -> CampaignPlan:
        is_given_back = step is Step.GIVE_BACK
        figures = self._figures(campaign) if step is Step.SETTLE else Figures()
        transfer = self._transfer(campaign, figures) if step is Step.SETTLE else None
        fees = read_processor_fees(self._session, campaign)[1]
        assert campaign.deadline_at is not None
        return CampaignPlan(
            slug=campaign.slug,
            title=campaign.title,
            currency=campaign.currency,
            deadline_at=campaign.deadline_at,
            step=step,
            outcome=_outcome(campaign, step),
            in_flight_count=len(list_unresolved(self._session, campaign.id)),
            shortfall_amount=self._shortfall(campaign) if is_given_back else 0,
            charges=self._charges(campaign, step),
            refunds=self._sum(is_to_refund(campaign.id)) if is_given_back else Amounts(),
            figures=figures,
            processor_fees_amount=fees,
            float_amount=self._fees_kept(campaign) if is_given_back else 0,
            transfer=transfer,
            troubles=tuple(self._troubles(campaign, transfer)),
        )

    def _figures(self, campaign: Campaign) -> Figures:
        terms = terms_of(campaign, self._in_force)
        return read_figures(
            self._session, campaign, fee_rate=terms.platform_fee_rate, vat_rate=terms.vat_rate
        )

    def _transfer(self, campaign: Campaign, figures: Figures) -> PlannedTransfer | None:
        amount = self._to_send(campaign, figures)
        if amount <= 0:
            return None
        account = self._find_account(campaign)
        available_at = latest_available_at(self._session, campaign.id)
        obstacle = obstacle_to_transfer(
            is_owner_ready=account is not None and self._is_ready(account),
            available_at=available_at,
            at=self.at,
            is_covered=lambda: self._is_covered(campaign, amount),
        )
        if obstacle is None:
            self._draw(campaign, amount)
        return PlannedTransfer(
            amount=amount,
            stripe_account_id=account.stripe_account_id if account else None,
            waits_for=obstacle[0] if obstacle else None,
            available_at=available_at,
        )

    def _find_account(self, campaign: Campaign) -> ConnectedAccount | None:
        return self._session.scalars(
            sa.select(ConnectedAccount).where(
                ConnectedAccount.organisation_id == campaign.organisation_id
            )
        ).one_or_none()

    def _is_ready(self, account: ConnectedAccount) -> bool:
        seen = self._facts.readiness.get(account.stripe_account_id or "", account.readiness)
        return seen is OwnerReadiness.ACTIVE

    def _to_send(self, campaign: Campaign, figures: Figures) -> int:
        """Return the net of the document to come or, once it stands, what is not sent of it."""
        if campaign.status is not CampaignStatus.SETTLING:
            return figures.net_amount
        unsent = sa.select(sa.func.sum(Transfer.amount)).where(
            Transfer.campaign_id == campaign.id,
            Transfer.status == TransferStatus.PENDING,
            ~Transfer.is_held,
            ~is_under_way(),
        )
        return int(self._session.scalar(unsent) or 0)

    def _is_covered(self, campaign: Campaign, amount: int) -> bool:
        available = self._facts.available.get(campaign.currency)
        owed = due_elsewhere(self._session, campaign.currency)
        drawn = self._drawn.get(campaign.currency, 0)
        return available is not None and available - owed - drawn >= amount

    def _draw(self, campaign: Campaign, amount: int) -> None:
        self._drawn[campaign.currency] = self._drawn.get(campaign.currency, 0) + amount

    def _shortfall(self, campaign: Campaign) -> int:
        collected = (
            read_collected_amount(self._session, campaign)
            if campaign.status is CampaignStatus.COLLECTING
            else campaign.pledged_amount
        )
        return max(campaign.goal_amount - collected, 0)

    def _charges(self, campaign: Campaign, step: Step) -> Amounts:
        """Count the saved cards that would be charged: each once, those not tried yet."""
        if step is not Step.COLLECT and campaign.status is not CampaignStatus.COLLECTING:
            return Amounts()
        count, amount = self._session.execute(
            sa.select(sa.func.count(), sa.func.sum(Pledge.amount + Pledge.tip_amount))
            .join(SavedCard, SavedCard.pledge_id == Pledge.id)
            .where(
                Pledge.campaign_id == campaign.id,
                Pledge.status == PledgeStatus.ACTIVE,
                SavedCard.status == CardStatus.SAVED,
                ~HAS_PAYMENT,
            )
        ).one()
        return Amounts(count, int(amount or 0))

    def _sum(self, condition: sa.ColumnElement[bool]) -> Amounts:
        count, amount = self._session.execute(
            sa.select(sa.func.count(), sa.func.sum(_LEFT)).where(condition)
        ).one()
        return Amounts(count, int(amount or 0))

    def _fees_kept(self, campaign: Campaign) -> int:
        fees = sa.select(sa.func.sum(Payment.processor_fee_amount)).where(is_left(campaign.id))
        return int(self._session.scalar(fees) or 0)

    def _troubles(self, campaign: Campaign, transfer: PlannedTransfer | None) -> Iterator[str]:
        """Find what would keep this campaign's money from where it belongs."""
        if self._session.scalar(sa.select(Freeze.holds(campaign.id))):
            yield "frozen"
        if self._is_any(Discrepancy.campaign_id == campaign.id, Discrepancy.opened()):
            yield "books_differ"
        if self._is_any(Refund.campaign_id == campaign.id, Refund.owed()):
            yield "refund_failed"
        if transfer is not None and transfer.waits_for is Block.OWNER:
            yield "owner_not_ready"

    def _is_any(self, *conditions: sa.ColumnElement[bool]) -> bool:
        return bool(self._session.scalar(sa.select(sa.exists().where(*conditions))))


def _find_campaigns(session: Session, slugs: Sequence[str], *, at: datetime) -> Sequence[Campaign]:
    """Return the campaigns to plan, in the order in which the real run takes them."""
    if slugs:
        wanted = Campaign.slug.in_(slugs) & Campaign.status.in_(_LAUNCHED)
    else:
        wanted = Campaign.id.in_(find_due(session, at=at)) | Campaign.status.in_(_AT_WORK)
    found = session.scalars(
        sa.select(Campaign).where(wanted).order_by(Campaign.deadline_at, Campaign.id)
    ).all()
    if missing := set(slugs) - {campaign.slug for campaign in found}:
        raise NotToRehearseError(
            N_("No launched campaign that is not settled is called %(slugs)s."),
            slugs=", ".join(sorted(missing)),
        )
    return found


def _outcome(campaign: Campaign, step: Step) -> Outcome | None:
    is_canceled = campaign.canceled_at is not None or campaign.status is CampaignStatus.SUSPENDED
    return outcome_of(step, is_canceled=is_canceled) or campaign.outcome
