"""Play a season: each act by the service a person's click would call, in the order of time."""

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from campaigns.drafts import exchange
from campaigns.launch.extend import extend_campaign
from campaigns.launch.launch import launch_campaign
from campaigns.models import Reward, Visibility
from campaigns.pledges.cancel import cancel_pledge
from campaigns.pledges.place import PledgeWish, place_pledge
from campaigns.review import review
from campaigns.settings import Rules
from campaigns.supporters.support import confirm_support, support_campaign
from demo.cast import create_people
from demo.instants import Moment
from demo.journey import Journey, sleep_until_next_second
from demo.sandbox import try_card
from demo.season import CampaignLine, PledgeLine, Season, Step, address_of_guest
from demo.stagehands import Stagehands
from octo.accounts.models import User
from octo.database import reading
from octo.mail.outbox import OutboxMessage
from payments.models import ConnectedAccount
from payments.settings import StripeSettings
from stripe_sandbox.client import SandboxClient

RACE: Final = timedelta(seconds=5)  # what happens this soon after a deadline beats the worker


@dataclass
class Stage:
    """What one campaign has come to while the season is played."""

    line: CampaignLine
    campaign_id: str = ""
    organisation_id: int = 0
    deadline_at: datetime | None = None
    rewards: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def ends_about(self, at: datetime) -> bool:
        """Tell whether the deadline is so close that a second matters."""
        return self.deadline_at is not None and abs(at - self.deadline_at) < RACE


Act = Callable[[], object]


class Player:
    """One playing of a season, from its first day to now."""

    def __init__(
        self,
        season: Season,
        *,
        hands: Stagehands,
        sandbox: SandboxClient,
        journey: Journey,
    ) -> None:
        self._season = season
        self._sandbox = sandbox
        self._journey = journey
        self._hands = hands
        self._payments = hands.payments
        self._clock = hands.clock
        self._settings = hands.settings
        self._first_day: date = hands.clock.machine_now().astimezone(
            season.zone
        ).date() - timedelta(days=season.length_days)
        self._people: dict[str, User] = {}
        self._stages: list[Stage] = []
        self._order = itertools.count()
        self._addresses = itertools.cycle(season.addresses)
        self._dated: list[tuple[datetime, int, Act]] = []
        self._by_deadline: list[tuple[Stage, Moment, Act]] = []

    @property
    def acts_count(self) -> int:
        """Return how many acts wait to be played."""
        return len(self._dated) + len(self._by_deadline)

    def begin(self) -> None:
        """Go back to the first day, bring the people on stage and line up what they will do."""
        first = Moment().resolve(self._first_day, self._season.zone, None)
        assert first is not None
        self._journey.begin_at(first)
        self._people = create_people(self._season, clock=self._clock)
        self._sandbox.top_up(self._season.top_up, self._season.currency, description="Float")
        self._journey.work()  # so that the books hold the float before the first fee
        for line in self._season.campaigns:
            stage = Stage(line)
            self._stages.append(stage)
            for step in line.steps:
                self._line_up(stage, step.at, partial(self._take, stage, step))
            for pledge in line.pledges:
                self._line_up(stage, pledge.at, partial(self._pledge, stage, pledge))

    def play(self) -> Iterator[datetime]:
        """Play every act in order, with what time brings in between; yield each one's instant."""
        while (found := self._next_act()) is not None:
            at, act = found
            yield from self._journey.go_through(at - RACE)
            is_tight = any(stage.ends_about(at) for stage in self._stages)
            if is_tight:
                sleep_until_next_second()
            self._journey.move_to(at)
            with self._sandbox.clock_held() if is_tight else contextlib.nullcontext():
                act()
            yield at

    def end(self) -> Iterator[datetime]:
        """Let the rest of the season's time pass, until business time is real time again."""
        yield from self._journey.go_through(self._clock.machine_now())
        self._journey.move_to(self._clock.machine_now())
        self._journey.work()

    def _line_up(self, stage: Stage, moment: Moment, act: Act) -> None:
        at = moment.resolve(self._first_day, self._season.zone, None)
        if at is None:
            self._by_deadline.append((stage, moment, act))
        else:
            heapq.heappush(self._dated, (at, next(self._order), act))

    def _next_act(self) -> tuple[datetime, Act] | None:
        """Take the next act out; one told from a deadline stands where the deadline stands now."""
        found: tuple[datetime, Act] | None = None
        place = -1
        for number, (stage, moment, act) in enumerate(self._by_deadline):
            at = moment.resolve(self._first_day, self._season.zone, stage.deadline_at)
            if at is not None and (found is None or at < found[0]):
                found, place = (at, act), number
        if self._dated and (found is None or self._dated[0][0] <= found[0]):
            at, _, act = heapq.heappop(self._dated)
            return at, act
        if place >= 0:
            del self._by_deadline[place]
        return found

    # --- the life of a campaign --------------------------------------------------------

    def _take(self, stage: Stage, step: Step) -> None:
        acts: dict[str, Callable[[Stage, Step, User], object]] = {
            "draft": self._draft,
            "submit": self._submit,
            "request_changes": self._request_changes,
            "approve": self._approve,
            "support": self._support,
            "onboard": self._onboard,
            "launch": self._launch,
            "extend": self._extend,
            "suspend": self._suspend,
            "resume": self._resume,
        }
        actor = self._people[step.by if step.by in self._people else stage.line.owner]
        acts[step.do](stage, step, actor)

    def _draft(self, stage: Stage, _step: Step, actor: User) -> None:
        campaign = exchange.import_campaign(
            self._season.campaign_file(stage.line.slug),
            owner=actor,
            keep_picture=self._hands.keep_picture,
            clock=self._clock,
            rules=self._settings.of(Rules),
        )
        stage.campaign_id = campaign.public_id
        stage.organisation_id = campaign.organisation_id
        with reading() as session:
            rewards = sa.select(Reward).where(Reward.campaign_id == campaign.id)
            stage.rewards = {r.title: (r.public_id, r.is_shipped) for r in session.scalars(rewards)}

    def _submit(self, stage: Stage, _step: Step, actor: User) -> None:
        review.submit_campaign(stage.campaign_id, actor=actor, clock=self._clock)

    def _request_changes(self, stage: Stage, step: Step, actor: User) -> None:
        review.request_changes(stage.campaign_id, reason=step.why, actor=actor, clock=self._clock)

    def _approve(self, stage: Stage, step: Step, actor: User) -> None:
        review.approve_campaign(
            stage.campaign_id,
            reason=step.why,
            actor=actor,
            clock=self._clock,
            rules=self._settings.of(Rules),
        )

    def _suspend(self, stage: Stage, step: Step, actor: User) -> None:
        review.suspend_campaign(stage.campaign_id, reason=step.why, actor=actor, clock=self._clock)

    def _resume(self, stage: Stage, step: Step, actor: User) -> None:
        review.resume_campaign(stage.campaign_id, reason=step.why, actor=actor, clock=self._clock)

    def _support(self, stage: Stage, step: Step, _actor: User) -> None:
        email = address_of_guest(step.by)
        support_campaign(
            stage.campaign_id,
            email=email,
            name=step.by,
            word=step.say,
            locale="fr",
            clock=self._clock,
        )
        confirm_support(
            _mailed_token(email, "supporter_confirm"),
            clock=self._clock,
            rules=self._settings.of(Rules),
        )

    def _onboard(self, stage: Stage, _step: Step, _actor: User) -> None:
        here = self._settings.base_url
        page = self._payments.begin_onboarding(
            stage.organisation_id, return_url=f"{here}/owner", refresh_url=f"{here}/owner"
        )
        assert page.startswith(self._settings.of(StripeSettings).api_base)
        with reading() as session:
            account_id = session.scalars(
                sa.select(ConnectedAccount.stripe_account_id).where(
                    ConnectedAccount.organisation_id == stage.organisation_id
                )
            ).one()
        assert account_id is not None
        self._sandbox.onboard(account_id)
        self._payments.refresh_owner(stage.organisation_id)

    def _launch(self, stage: Stage, _step: Step, actor: User) -> None:
        campaign = launch_campaign(
            stage.campaign_id,
            actor=actor,
            clock=self._clock,
            payments=self._payments,
            rules=self._settings.of(Rules),
        )
        stage.deadline_at = campaign.deadline_at

    def _extend(self, stage: Stage, step: Step, actor: User) -> None:
        campaign = extend_campaign(
            stage.campaign_id,
            days=step.days,
            actor=actor,
            clock=self._clock,
            rules=self._settings.of(Rules),
        )
        stage.deadline_at = campaign.deadline_at

    # --- pledges -----------------------------------------------------------------------

    def _pledge(self, stage: Stage, line: PledgeLine) -> None:
        person = self._season.find_person(line.by)
        reward_id, is_shipped = stage.rewards[line.reward] if line.reward else (None, False)
        wish = PledgeWish(
            amount=line.give,
            email=person.email if person else address_of_guest(line.by),
            locale=person.language if person else line.language,
            request_key=f"season-{next(self._order)}",
            reward_id=reward_id,
            tip_amount=line.tip,
            user_id=self._people[person.key].id if person else None,
            name=line.by,
            visibility=Visibility(line.show),
            message=line.say,
            address=next(self._addresses) if is_shipped else {},
        )
        placed = place_pledge(
            stage.campaign_id, wish, clock=self._clock, rules=self._settings.of(Rules)
        )
        pledge_id = placed.pledge.public_id
        here = f"{self._settings.base_url}/pledges/{placed.token}"
        page = self._payments.start_checkout(pledge_id, return_url=here, cancel_url=here)
        if line.pays is None:
            self._pay(pledge_id, page.url, line)
        else:
            self._line_up(stage, line.pays, partial(self._pay, pledge_id, page.url, line))
        if line.cancel is not None:
            self._line_up(stage, line.cancel, partial(self._cancel, pledge_id))

    def _pay(self, pledge_id: str, page: str, line: PledgeLine) -> None:
        for name in line.cards:
            card = self._season.cards[name]
            if try_card(
                self._sandbox,
                checkout_of(page),
                card=card.number,
                three_d_secure=card.three_d_secure,
            ):
                break
        self._payments.refresh_pledge(pledge_id)

    def _cancel(self, pledge_id: str) -> None:
        cancel_pledge(
            pledge_id, clock=self._clock, payments=self._payments, rules=self._settings.of(Rules)
        )
        self._journey.send()


def checkout_of(page: str) -> str:
    """Return the id of the Checkout Session whose hosted page this is."""
    return urlsplit(page).path.rsplit("/", 1)[-1]


def _mailed_token(email: str, template: str) -> str:
    """Return the token of the last such mail to an address, as its reader would click it."""
    with reading() as session:
        message = session.scalars(
            sa.select(OutboxMessage)
            .where(OutboxMessage.email == email, OutboxMessage.template == template)
            .order_by(OutboxMessage.id.desc())
            .limit(1)
        ).one()
        return str(message.context["token"])
