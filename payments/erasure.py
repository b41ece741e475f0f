"""What the money side does when a person erases their account: wait while it owes, then forget.

The books keep amounts, dates and Stripe's references, as the law demands. Nobody needs what only
let a card's holder recognise it, nor what calls and events carried of the person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Pledge
from octo.accounts.erasure import StillNeededError
from octo.accounts.models import User
from octo.errors import N_
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    Dispute,
    InboxEvent,
    Payment,
    Refund,
    RefundStatus,
    SavedCard,
)

_SAYS_NOTHING_OF_ANYBODY: Final = frozenset(
    {"id", "object", "type", "created", "livemode", "account", "status", "metadata"}
)


@dataclass(frozen=True)
class _Traces:
    """What the money side holds about the pledges of one person."""

    payments: Sequence[Payment]
    cards: Sequence[SavedCard]
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]

    @property
    def subjects(self) -> set[str]:
        """Return the ids under which Stripe was called about them."""
        named: tuple[Sequence[Payment | SavedCard | Refund], ...]
        named = (self.payments, self.cards, self.refunds)
        return {one.public_id for some in named for one in some}

    @property
    def stripe_ids(self) -> Iterator[str | None]:
        """Give the ids of the objects that events about them name."""
        for payment in self.payments:
            yield payment.stripe_checkout_session_id
            yield payment.stripe_payment_intent_id
            yield payment.stripe_charge_id
        for card in self.cards:
            yield card.stripe_checkout_session_id
            yield card.stripe_setup_intent_id
            yield card.stripe_payment_method_id
            yield card.stripe_customer_id
        yield from (refund.stripe_refund_id for refund in self.refunds)
        yield from (dispute.stripe_dispute_id for dispute in self.disputes)


def forget_backer(session: Session, user: User) -> None:
    """Take a person out of cards, calls and events, or raise ``StillNeededError``."""
    traces = _find_traces(session, user)
    if any(one.is_owed or one.status is RefundStatus.PENDING for one in traces.refunds):
        raise StillNeededError(
            N_("Money is on its way back to you: wait until you have it, or until we agreed how.")
        )
    _forget_calls(session, traces.subjects)
    for card in traces.cards:
        card.brand = card.last4 = ""
    about_them = InboxEvent.object_id.in_([one for one in traces.stripe_ids if one is not None])
    for event in session.scalars(sa.select(InboxEvent).where(about_them)):
        event.payload = _without_person(event.payload)


def _find_traces(session: Session, user: User) -> _Traces:
    theirs = sa.or_(Pledge.user_id == user.id, Pledge.email.in_((user.email, user.pseudonym)))
    pledges = sa.select(Pledge.id).where(theirs)
    payments = session.scalars(sa.select(Payment).where(Payment.pledge_id.in_(pledges))).all()
    of_payments = [payment.id for payment in payments]
    return _Traces(
        payments=payments,
        cards=session.scalars(sa.select(SavedCard).where(SavedCard.pledge_id.in_(pledges))).all(),
        refunds=session.scalars(sa.select(Refund).where(Refund.payment_id.in_(of_payments))).all(),
        disputes=session.scalars(
            sa.select(Dispute).where(Dispute.payment_id.in_(of_payments))
        ).all(),
    )


def _forget_calls(session: Session, subjects: set[str]) -> None:
    """Forget whom calls were about; nobody waits for one that a worker holds."""
    calls = sa.select(Attempt).where(Attempt.subject.in_(subjects))
    count = session.scalar(sa.select(sa.func.count()).select_from(calls.subquery()))
    held = session.scalars(calls.with_for_update(skip_locked=True, of=Attempt)).all()
    if len(held) != count or any(one.status in OPEN_ATTEMPTS for one in held):
        raise StillNeededError(
            N_("We are still asking Stripe about a payment of yours: come back in a few minutes.")
        )
    for attempt in held:
        if "customer_email" in attempt.parameters:
            kept = attempt.parameters.items()
            attempt.parameters = {name: one for name, one in kept if name != "customer_email"}


def _without_person(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event says of an object, without what it says of a person."""
    data = payload.get("data")
    about = data.get("object") if isinstance(data, Mapping) else None
    return _plain(payload) | ({"data": {"object": _plain(about)}} if about else {})


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in said.items() if name in _SAYS_NOTHING_OF_ANYBODY}
