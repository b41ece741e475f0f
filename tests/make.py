"""Valid objects for tests, made through the real services where one exists.

Each method makes one thing and what it needs; every argument has a sensible default, so that
a test names only what its rule is about.
"""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from flask import Flask
from flask_security import hash_password

from campaigns.launch.terms import write_terms
from campaigns.models import Campaign, CampaignStatus, Category, Collection, Pledge, Reward
from campaigns.pledges.place import PledgeWish, place_pledge
from campaigns.ports import bound_payments
from campaigns.settings import Rules
from octo.accounts.models import (
    MemberRole,
    Membership,
    Organisation,
    Role,
    RoleName,
    User,
)
from octo.database import db, transaction
from octo.ids import new_public_id, new_token
from octo.worker import Due, run_due
from payments.charges.record import refresh_payment
from payments.charges.saved_cards import refresh_card
from payments.checkout import sessions
from payments.checkout.parameters import WayBack
from payments.gateway.runtime import payments_runtime
from payments.models import ConnectedAccount, Payment, SavedCard
from payments.owners import onboarding
from stripe_sandbox.client import VISA
from tests.moment import Moment
from tests.visitor import refresh

PASSWORD: Final = "une phrase de passe pour les tests"
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


class Make:
    """A builder bound to the app of one test."""

    def __init__(self, app: Flask, moment: Moment) -> None:
        self.app = app
        self.moment = moment
        self._numbers = itertools.count(1)

    def user(
        self, name: str = "Léa Riou", *, roles: tuple[RoleName, ...] = (), email: str | None = None
    ) -> User:
        """Make a person whose e-mail is verified and who signs in with ``PASSWORD``."""
        with transaction() as session:
            user = User(
                public_id=new_public_id("usr"),
                email=email or f"person-{next(self._numbers)}@example.org",
                name=name,
                password=hash_password(PASSWORD),
                fs_uniquifier=new_token(),
                confirmed_at=LONG_AGO,
                created_at=LONG_AGO,
                roles=[_role(role) for role in roles],
            )
            session.add(user)
        return user

    def organisation(self, *, is_ready: bool = True) -> Organisation:
        """Make an organisation with one member, onboarded with Stripe unless told otherwise."""
        number = next(self._numbers)
        with transaction() as session:
            organisation = Organisation(
                public_id=new_public_id("org"),
                name=f"Association {number}",
                slug=f"association-{number}",
                created_at=LONG_AGO,
            )
            session.add(organisation)
        self.member(organisation, MemberRole.OWNER, name="Owner")
        if is_ready:
            self.onboard(organisation)
        return organisation

    def member(
        self,
        organisation: Organisation,
        role: MemberRole,
        *,
        name: str = "Yann",
        user: User | None = None,
    ) -> User:
        """Make somebody a member of an organisation, a new person unless told otherwise."""
        person = user or self.user(name)
        with transaction() as session:
            session.add(
                Membership(
                    user_id=person.id,
                    organisation_id=organisation.id,
                    role=role,
                    created_at=LONG_AGO,
                )
            )
        return person

    def onboard(self, organisation: Organisation) -> None:
        """Walk an organisation through Stripe's onboarding."""
        runtime = payments_runtime()
        url = onboarding.begin_onboarding(
            organisation.id,
            return_url="http://localhost/",
            refresh_url="http://localhost/",
            gateway=runtime.gateway,
            settings=runtime.settings,
            clock=runtime.clock,
        )
        assert url
        self.moment.sandbox.onboard(self.stripe_account(organisation))
        onboarding.refresh_owner(organisation.id, gateway=runtime.gateway, clock=runtime.clock)

    def stripe_account(self, organisation: Organisation) -> str:
        """Return the id of an organisation's connected account."""
        found = db.session.scalar(
            sa.select(ConnectedAccount.stripe_account_id).where(
                ConnectedAccount.organisation_id == organisation.id
            )
        )
        assert found is not None
        return found

    def live_campaign(
        self,
        *,
        goal: int = 100_00,
        days: int = 30,
        stock: int | None = None,
        is_ready: bool = True,
        collection: Collection = Collection.ON_PLEDGE,
    ) -> Campaign:
        """Make a campaign that takes pledges; with ``stock``, one reward of 10 € in so many."""
        organisation = self.organisation(is_ready=is_ready)
        number = next(self._numbers)
        now = self.moment.now().replace(microsecond=0)
        with transaction() as session:
            campaign = Campaign(
                public_id=new_public_id("cmp"),
                slug=f"campaign-{number}",
                organisation_id=organisation.id,
                title=f"Campaign {number}",
                summary="One line about it.",
                story="A story.",
                category=Category.SOLIDARITY,
                place="Brest",
                currency="EUR",
                goal_amount=goal,
                collection=collection,
                duration_days=days,
                time_zone="Europe/Paris",
                status=CampaignStatus.LIVE,
                created_at=now,
                launched_at=now,
                deadline_at=now + timedelta(days=days),
            )
            rules = payments_runtime().settings.of(Rules)
            write_terms(campaign, bound_payments().view_terms(), rules=rules)
            session.add(campaign)
            if stock is not None:
                campaign.rewards.append(
                    Reward(
                        public_id=new_public_id("rwd"),
                        position=0,
                        title="A basket",
                        minimum_amount=10_00,
                        stock=stock,
                    )
                )
        return campaign

    def gathering_campaign(self, *, goal: int = 100_00, days: int = 30) -> Campaign:
        """Make a campaign that looks for its supporters."""
        organisation = self.organisation(is_ready=False)
        number = next(self._numbers)
        with transaction() as session:
            campaign = Campaign(
                public_id=new_public_id("cmp"),
                slug=f"campaign-{number}",
                organisation_id=organisation.id,
                title=f"Campaign {number}",
                summary="One line about it.",
                story="A story.",
                category=Category.SOLIDARITY,
                place="Brest",
                currency="EUR",
                goal_amount=goal,
                duration_days=days,
                time_zone="Europe/Paris",
                status=CampaignStatus.GATHERING,
                created_at=self.moment.now(),
            )
            session.add(campaign)
        return campaign

    def pending_pledge(
        self,
        campaign: Campaign,
        amount: int = 15_00,
        *,
        tip: int = 0,
        reward: Reward | None = None,
    ) -> Pledge:
        """Make a pledge that has not been paid, by a guest."""
        number = next(self._numbers)
        runtime = payments_runtime()
        placed = place_pledge(
            campaign.public_id,
            PledgeWish(
                amount=amount,
                tip_amount=tip,
                reward_id=reward.public_id if reward else None,
                email=f"backer-{number}@example.org",
                locale="fr",
                request_key=f"request-{number}",
            ),
            clock=runtime.clock,
            rules=runtime.settings.of(Rules),
        )
        return placed.pledge

    def open_checkout(self, pledge: Pledge) -> str:
        """Open Stripe's page for a pledge and return the session's id."""
        runtime = payments_runtime()
        sessions.start_checkout(
            pledge.public_id,
            WayBack("http://localhost/return", "http://localhost/cancel"),
            gateway=runtime.gateway,
            settings=runtime.settings,
            clock=runtime.clock,
        )
        is_paid_later = pledge.campaign.collection is Collection.ON_SUCCESS
        opened = self.card(pledge) if is_paid_later else self.payment(pledge)
        assert opened.stripe_checkout_session_id is not None
        return opened.stripe_checkout_session_id

    def pledge(
        self,
        campaign: Campaign,
        amount: int = 15_00,
        *,
        tip: int = 0,
        card: str = VISA,
        reward: Reward | None = None,
    ) -> Pledge:
        """Make a pledge paid, or its card saved, on Stripe's page and taken in as one returns."""
        pledge = self.pending_pledge(campaign, amount, tip=tip, reward=reward)
        self.moment.sandbox.pay(self.open_checkout(pledge), card=card)
        self.refresh(pledge)
        return pledge

    def refresh(self, pledge: Pledge) -> None:
        """Ask Stripe how a pledge's payment or card stands."""
        runtime = payments_runtime()
        gateway, settings, clock = runtime.gateway, runtime.settings, runtime.clock
        for payment in self.payments(pledge):
            refresh_payment(payment.public_id, gateway=gateway, settings=settings, clock=clock)
        if pledge.campaign.collection is Collection.ON_SUCCESS:
            card_id = self.card(pledge).public_id
            refresh_card(card_id, gateway=gateway, settings=settings, clock=clock)

    def payment(self, pledge: Pledge) -> Payment:
        """Return a pledge's one payment, as it is in the database now."""
        (payment,) = self.payments(pledge)
        return payment

    def payments(self, pledge: Pledge) -> Sequence[Payment]:
        """Return a pledge's payments, the first one first."""
        return db.session.scalars(
            sa.select(Payment)
            .where(Payment.pledge_id == pledge.id)
            .order_by(Payment.id)
            .execution_options(populate_existing=True)
        ).all()

    def card(self, pledge: Pledge) -> SavedCard:
        """Return a pledge's saved card, as it is in the database now."""
        return db.session.scalars(
            sa.select(SavedCard)
            .where(SavedCard.pledge_id == pledge.id)
            .execution_options(populate_existing=True)
        ).one()

    def work(self) -> Due:
        """Let the worker do all that is due now; what the test reads next is what it left."""
        due = run_due(self.app)
        refresh()
        return due


def _role(name: RoleName) -> Role:
    found = db.session.scalars(sa.select(Role).filter_by(name=name)).one_or_none()
    return found or Role(name=name)
