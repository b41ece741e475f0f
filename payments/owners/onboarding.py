"""Let an organisation be paid: its connected account at Stripe, and whether it is ready."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.models import LegalForm, Organisation
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.errors import N_
from octo.ids import new_public_id
from payments.gateway.attempts import CALLER_LEASE, Claimed, plan_attempt, take
from payments.gateway.calls import perform
from payments.gateway.client import Gateway, StripeAwayError
from payments.gateway.outcomes import record_results
from payments.models import Attempt, AttemptKind, AttemptStatus, ConnectedAccount, OwnerReadiness
from payments.owners.accounts import record_account
from payments.settings import StripeSettings

_COUNTRY: Final = "fr"
_INCLUDE: Final = ["configuration.recipient", "requirements"]
_ENTITY: Final = {LegalForm.ASSOCIATION: "non_profit", LegalForm.PUBLIC_BODY: "government_entity"}


def owner_is_ready(organisation_id: int) -> bool:
    """Tell whether Stripe lets this organisation be paid, as last seen."""
    with reading() as session:
        readiness = session.scalar(
            sa.select(ConnectedAccount.readiness).where(
                ConnectedAccount.organisation_id == organisation_id
            )
        )
    return readiness is OwnerReadiness.ACTIVE


def begin_onboarding(
    organisation_id: int,
    *,
    return_url: str,
    refresh_url: str,
    gateway: Gateway,
    settings: Settings,
    clock: Clock,
) -> str:
    """Return the address of Stripe's onboarding page, making the connected account once.

    Where Stripe has closed it, another is made in its place.
    Raises ``StripeAwayError`` when Stripe does not answer; trying again resumes.
    """
    account = _find_or_plan(organisation_id, settings=settings, clock=clock)
    if isinstance(account, Claimed):
        result = perform(gateway, account, at=account.sent_at)
        record_results([(account, result)], settings=settings, clock=clock)
        account = _stripe_account_of(organisation_id)
    if account is None:
        raise StripeAwayError(
            N_("Our payment provider does not answer. Nothing was taken: try again in a minute.")
        )
    return gateway.onboarding_url(account, return_url=return_url, refresh_url=refresh_url)


def refresh_owner(organisation_id: int, *, gateway: Gateway, clock: Clock) -> None:
    """Ask Stripe whether this organisation can be paid now, and keep the answer."""
    stripe_account_id = _stripe_account_of(organisation_id)
    if stripe_account_id is None:
        return
    seen = gateway.get_account(stripe_account_id)
    with transaction() as session:
        account = lock(session, ConnectedAccount, organisation_id=organisation_id)
        record_account(account, seen, at=clock.machine_now())


def _stripe_account_of(organisation_id: int) -> str | None:
    """Return the account an organisation has at Stripe, unless Stripe has closed it."""
    with reading() as session:
        return session.scalar(
            sa.select(ConnectedAccount.stripe_account_id).where(
                ConnectedAccount.organisation_id == organisation_id,
                ConnectedAccount.readiness != OwnerReadiness.CLOSED,
            )
        )


def _find_or_plan(
    organisation_id: int, *, settings: Settings, clock: Clock
) -> Claimed | str | None:
    with transaction() as session:
        organisation = lock(session, Organisation, id=organisation_id)
        machine = clock.machine_now()
        account = session.scalars(
            sa.select(ConnectedAccount).where(ConnectedAccount.organisation_id == organisation_id)
        ).one_or_none()
        if account is None:
            account = ConnectedAccount(
                public_id=new_public_id("acc"), organisation=organisation, created_at=clock.now()
            )
            session.add(account)
        is_open_at_stripe = account.readiness is not OwnerReadiness.CLOSED
        if account.stripe_account_id is not None and is_open_at_stripe:
            return account.stripe_account_id
        number, is_open = _actions_so_far(session, account)
        if is_open:
            return None
        attempt = plan_attempt(
            session,
            installation=settings.of(StripeSettings).installation,
            kind=AttemptKind.ACCOUNT_CREATE,
            subject=account.public_id,
            parameters=_account_parameters(organisation),
            at=machine,
            action_number=number + 1,
        )
        session.flush()
        return take(attempt, holder=f"web:{uuid.uuid4()}", at=machine, lease=CALLER_LEASE)


def _actions_so_far(session: Session, account: ConnectedAccount) -> tuple[int, bool]:
    states = session.scalars(
        sa.select(Attempt.status).where(
            Attempt.kind == AttemptKind.ACCOUNT_CREATE, Attempt.subject == account.public_id
        )
    ).all()
    is_open = any(state not in {AttemptStatus.DONE, AttemptStatus.FAILED} for state in states)
    return len(states), is_open


def _account_parameters(organisation: Organisation) -> dict[str, Any]:
    """Ask for an account that only receives transfers from us.

    https://docs.stripe.com/api/v2/core/accounts/create: configuration ``recipient``,
    capability ``stripe_balance.stripe_transfers``.
    """
    return {
        "display_name": organisation.name,
        "dashboard": "express",
        "identity": {
            "country": _COUNTRY,
            "entity_type": _ENTITY.get(organisation.legal_form, "company"),
        },
        "configuration": {
            "recipient": {
                "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
            }
        },
        "defaults": {
            "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
        },
        "include": _INCLUDE,
    }
