"""What people, workers, Stripe and the weather do in a world: one method a step."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from campaigns.launch.cancel import cancel_own_campaign
from campaigns.launch.extend import extend_campaign
from campaigns.models import Campaign, Collection, Pledge
from campaigns.pledges.cancel import cancel_pledge
from campaigns.pledges.place import PledgeWish, place_pledge
from campaigns.policy.review import Act
from campaigns.ports import bound_payments
from campaigns.review.decisions import act_on_campaign
from campaigns.settings import Rules
from octo.accounts.models import Membership, User
from octo.database import reading
from octo.ids import new_token
from payments.gateway.runtime import payments_runtime
from payments.models import (
    ConnectedAccount,
    Freeze,
    OwnerDebt,
    Payment,
    Refund,
    RefundStatus,
    SavedCard,
    Transfer,
)
from payments.owners.debts import pay_again, recover_debt, write_off_debt
from payments.refunds.failed import Means, pay_by_bank, retry_refund
from payments.refunds.requests import refund_by_treasurer
from payments.settlement.refund_all import refund_all
from payments.settlement.unfreeze import lift_freeze
from stripe_sandbox.client import SandboxRefusedError
from tests.machine.conservation import History, Ours, Theirs, find_breaches
from tests.machine.errands import Halt
from tests.machine.world import World

RETURN: Final = "http://localhost/return"
REASON: Final = "A reason."


@dataclass
class Story:
    """The people of one world and what they have begun.

    Whoever asks for what the rules refuse is refused, as in life, and the story goes on.
    """

    world: World
    campaigns: list[str] = field(default_factory=list)
    pledges: list[str] = field(default_factory=list)
    moderator_id: int = 0
    history: History = field(default_factory=History)

    def begin(self, *, float_amount: int) -> None:
        """Open three campaigns, each with two units of a reward.

        Two charge at once, an easy goal and a hard one; the third saves cards.
        """
        self.world.begin()
        with self.world.nodes[0].app.app_context():
            make = self.world.make()
            self.campaigns = [
                make.live_campaign(goal=goal, days=days, stock=2, collection=way).public_id
                for goal, days, way in (
                    (40_00, 6, Collection.ON_PLEDGE),
                    (400_00, 9, Collection.ON_PLEDGE),
                    (40_00, 5, Collection.ON_SUCCESS),
                )
            ]
            self.moderator_id = make.user("Moderator").id
        self.pledges = []
        self.history = History()
        if float_amount:
            self.world.sandbox.top_up(float_amount)

    # --- backers

    def pledge(
        self,
        campaign: str,
        amount: int,
        *,
        tip: int = 0,
        has_reward: bool = False,
        node: int = 0,
        halt: Halt | None = None,
    ) -> str | None:
        """Pledge and be led to Stripe's page; return the pledge, unless it was refused."""
        number = len(self.pledges)
        placed: list[str] = []

        def work() -> None:
            runtime = payments_runtime()
            wish = PledgeWish(
                amount=amount,
                tip_amount=tip,
                reward_id=self._reward_of(campaign) if has_reward else None,
                email=f"backer-{number}@example.org",
                locale="fr",
                request_key=f"request-{number}",
            )
            pledge = place_pledge(
                campaign, wish, clock=runtime.clock, rules=runtime.settings.of(Rules)
            ).pledge
            placed.append(pledge.public_id)
            self.pledges.append(pledge.public_id)
            bound_payments().start_checkout(pledge.public_id, return_url=RETURN, cancel_url=RETURN)

        self._do(node, "pledge", work, halt)
        return placed[0] if placed else None

    def pay(self, pledge: str, *, card: str, three_d_secure: str = "complete") -> None:
        """Fill in the card on Stripe's page, if it is open."""
        session = self._page_of(pledge)
        if session is not None:
            with suppress(SandboxRefusedError):
                self.world.sandbox.pay(session, card=card, three_d_secure=three_d_secure)

    def come_back(self, pledge: str, *, node: int = 0, halt: Halt | None = None) -> None:
        """Come back to the receipt, which asks how the payment stands."""
        self._do(node, "return", lambda: bound_payments().refresh_pledge(pledge), halt)

    def reopen_checkout(self, pledge: str, *, node: int = 0, halt: Halt | None = None) -> None:
        """Go back to a checkout that was left."""
        self._do(
            node,
            "checkout",
            lambda: bound_payments().start_checkout(pledge, return_url=RETURN, cancel_url=RETURN),
            halt,
        )

    def repair(self, pledge: str, *, node: int = 0, halt: Halt | None = None) -> None:
        """Open a page to pay what a saved card was declined for."""
        self._do(
            node,
            "repair",
            lambda: bound_payments().start_repair(pledge, return_url=RETURN, cancel_url=RETURN),
            halt,
        )

    def cancel(self, pledge: str, *, node: int = 0) -> None:
        """Take a pledge back."""

        def work() -> None:
            runtime = payments_runtime()
            cancel_pledge(
                pledge,
                clock=runtime.clock,
                payments=bound_payments(),
                rules=runtime.settings.of(Rules),
            )

        self._do(node, "cancel", work)

    # --- owner, moderator, treasurer

    def extend(self, campaign: str, *, days: int) -> None:
        """Move a deadline, as its owner."""
        self._act(
            lambda user, clock, rules: extend_campaign(
                campaign, days=days, actor=user, clock=clock, rules=rules
            ),
            self._owner_of(campaign),
        )

    def call_off(self, campaign: str) -> None:
        """Call a campaign off, as its owner."""
        self._act(
            lambda user, clock, _: cancel_own_campaign(
                campaign, reason=REASON, actor=user, clock=clock
            ),
            self._owner_of(campaign),
        )

    def moderate(self, campaign: str, act: Act) -> None:
        """Suspend, resume or cancel a campaign."""
        self._act(
            lambda user, clock, rules: act_on_campaign(
                campaign, act=act, reason=REASON, actor=user, clock=clock, rules=rules
            ),
            self.moderator_id,
        )

    def refund(self, pledge: str, *, amount: int, action: str) -> None:
        """Give a part of a payment back, as the treasurer."""
        payment = self._find(Payment.public_id, pledge)
        if payment is not None:
            self._treasury(refund_by_treasurer, payment, amount=amount, action_key=action)

    def look_after_money(self, *, by_bank: bool, is_debt_due: bool) -> None:
        """Do what only a treasurer may: about freezes, failed refunds, held transfers, debts."""
        for campaign in self._list(
            sa.select(Campaign.public_id).join(Freeze).where(Freeze.lifted_at.is_(None))
        ):
            self._treasury(lift_freeze, campaign, reason=REASON)
        is_left = sa.and_(Refund.status == RefundStatus.FAILED, Refund.resolution.is_(None))
        for refund in self._list(sa.select(Refund.public_id).where(is_left)):
            if by_bank:
                self._treasury(pay_by_bank, refund, means=Means.BANK_TRANSFER, reference=REASON)
            else:
                self._treasury(retry_refund, refund, reason=REASON)
        for transfer in self._list(sa.select(Transfer.public_id).where(Transfer.is_held)):
            self._treasury(pay_again, transfer, reason=REASON)
        debts = sa.select(Campaign.public_id).join(OwnerDebt).where(OwnerDebt.left_amount > 0)
        for campaign in self._list(debts):
            if is_debt_due:
                self._treasury(
                    recover_debt,
                    campaign,
                    amount=1_00,
                    idempotency_key=new_token(),
                    reason=REASON,
                )
            else:
                self._treasury(write_off_debt, campaign, reason=REASON)

    def refund_all(self, campaign: str) -> None:
        """Turn a success into a failure, before anything was paid out."""
        self._treasury(refund_all, public_id=campaign, reason=REASON)

    # --- Stripe's dashboard and the banks

    def refund_externally(self, pledge: str, *, amount: int | None = None) -> None:
        """Refund a charge in Stripe's dashboard, past everything of ours."""
        charge = self._find(Payment.stripe_charge_id, pledge)
        if charge is not None:
            parts = {} if amount is None else {"amount": amount}
            self._at_stripe("/v1/refunds", charge=charge, **parts)

    def dispute(self, pledge: str, *, kind: str) -> None:
        """Contest a payment, at the backer's bank."""
        charge = self._find(Payment.stripe_charge_id, pledge)
        if charge is not None:
            with suppress(SandboxRefusedError):
                self.world.sandbox.post(f"/_sandbox/charges/{charge}/dispute", kind=kind)

    def decide_disputes(self, verdict: str) -> None:
        """End every dispute that is open, or escalate every inquiry."""
        for dispute in self.world.sandbox.every("/v1/disputes"):
            with suppress(SandboxRefusedError):
                self.world.sandbox.post(f"/_sandbox/disputes/{dispute['id']}/{verdict}")

    def reverse_externally(self, *, amount: int | None = None) -> None:
        """Take the newest transfer back in Stripe's dashboard, in whole or in part."""
        for transfer in self.world.sandbox.every("/v1/transfers")[:1]:
            parts = {} if amount is None else {"amount": amount}
            self._at_stripe(f"/v1/transfers/{transfer['id']}/reversals", **parts)

    def restrict(self, campaign: str) -> None:
        """Take an owner's readiness away."""
        with suppress(SandboxRefusedError):
            self.world.sandbox.restrict(self._account_of(campaign))

    def restore(self, campaign: str) -> None:
        """Give an owner's readiness back."""
        with suppress(SandboxRefusedError):
            self.world.sandbox.onboard(self._account_of(campaign))

    def top_up(self, amount: int) -> None:
        """Put the operator's money on the Stripe balance."""
        self.world.sandbox.top_up(amount)

    # --- time

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.world.let_pass(seconds)

    def reach_deadline(self, campaign: str, *, offset: int) -> None:
        """Let time pass until so many seconds after a deadline, if that is ahead."""
        deadline = self.world.books.scalar(
            sa.select(Campaign.deadline_at).where(Campaign.public_id == campaign)
        )
        assert isinstance(deadline, datetime)
        left = int((deadline - self.world.clock.now()).total_seconds()) + offset
        if left > 0:
            self.world.let_pass(left)

    # --- what must hold

    def look(self) -> list[str]:
        """Return everything that must not be, as it stands now."""
        ours = Ours.read(self.world.books)
        return [
            *find_breaches(ours, Theirs.read(self.world.sandbox)),
            *self.history.find_breaches(ours),
            *self.world.lookout.breaches,
        ]

    # --- how it is done

    def _do(
        self, node: int, name: str, work: Callable[[], object], halt: Halt | None = None
    ) -> None:
        self.world.do(self.world.nodes[node], name, work, halt)

    def _act(self, act: Callable[[User, Any, Rules], object], user_id: int) -> None:
        def work() -> None:
            runtime = payments_runtime()
            with reading() as session:
                user = session.get_one(User, user_id)
            act(user, runtime.clock, runtime.settings.of(Rules))

        self._do(0, "act", work)

    def _treasury(self, act: Callable[..., object], *subject: str, **given: object) -> None:
        def work() -> None:
            runtime = payments_runtime()
            act(
                *subject,
                actor="usr_treasurer",
                settings=runtime.settings,
                clock=runtime.clock,
                **given,
            )

        self._do(0, "treasury", work)

    def _list(self, wanted: sa.Select[str]) -> list[str]:
        return list(self.world.books.scalars(wanted))

    def _page_of(self, pledge: str) -> str | None:
        """Return the page a backer was led to last, to pay or to leave a card."""
        for model in (Payment, SavedCard):
            found: str | None = self.world.books.scalar(
                sa.select(model.stripe_checkout_session_id)
                .join(Pledge, Pledge.id == model.pledge_id)
                .where(Pledge.public_id == pledge, model.stripe_checkout_session_id.is_not(None))
                .order_by(model.id.desc())
                .limit(1)
            )
            if found is not None:
                return found
        return None

    def _at_stripe(self, path: str, **form: object) -> None:
        with suppress(SandboxRefusedError):
            self.world.sandbox.call_stripe(path, **form)

    def _find(self, column: Any, pledge: str) -> str | None:
        found: str | None = self.world.books.scalar(
            sa.select(column)
            .join(Pledge, Pledge.id == Payment.pledge_id)
            .where(Pledge.public_id == pledge, column.is_not(None))
            .order_by(Payment.id.desc())
            .limit(1)
        )
        return found

    def _reward_of(self, campaign: str) -> str:
        with reading() as session:
            found = session.scalars(sa.select(Campaign).filter_by(public_id=campaign)).one()
            return found.rewards[0].public_id

    def _owner_of(self, campaign: str) -> int:
        found: int | None = self.world.books.scalar(
            sa.select(Membership.user_id)
            .join(Campaign, Campaign.organisation_id == Membership.organisation_id)
            .where(Campaign.public_id == campaign)
        )
        assert found is not None
        return found

    def _account_of(self, campaign: str) -> str:
        found: str | None = self.world.books.scalar(
            sa.select(ConnectedAccount.stripe_account_id)
            .join(Campaign, Campaign.organisation_id == ConnectedAccount.organisation_id)
            .where(Campaign.public_id == campaign)
        )
        assert found is not None
        return found
