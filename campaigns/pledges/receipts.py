"""What a backer does from the receipt of a pledge, besides canceling it."""

import sqlalchemy as sa

from campaigns.models import CampaignStatus, Pledge, PledgeLink, PledgeStatus
from campaigns.pledges.mails import mail_link
from campaigns.policy.receipt_states import FOR_THE_CAMPAIGN, MoneyFacts, ReceiptState, states_of
from campaigns.ports import Payments, PaymentView
from octo.accounts.models import User
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, UnavailableError
from octo.ids import hash_token


class CannotJoinError(ConflictError):
    """The pledge cannot join this account."""

    code = "cannot_join"


class NotPaidYetError(ConflictError):
    """The page to pay on leads back by the link that would be ended."""

    code = "not_paid_yet"


def refresh_if_pending(pledge: Pledge, *, payments: Payments) -> None:
    """Ask how the payment, or its repair, stands as a backer comes back before the webhook does.

    When Stripe is away the receipt shows what is known; the worker will learn the rest.
    """
    is_repaired = pledge.campaign.status is CampaignStatus.COLLECTING
    if pledge.status is not PledgeStatus.PENDING and not is_repaired:
        return
    try:
        payments.refresh_pledge(pledge.public_id)
    except UnavailableError:
        return


def states_of_pledge(pledge: Pledge, payment: PaymentView | None) -> tuple[ReceiptState, ...]:
    """Return how a pledge and its money stand; the first is the pledge's unless all has left it."""
    return states_of(
        pledge.status,
        pledge.campaign.collection,
        pledge.campaign.status,
        pledge.campaign.outcome,
        payment.money if payment else MoneyFacts(),
    )


def amount_for_campaign(pledge: Pledge, payment: PaymentView | None) -> int:
    """Return what of a pledge is the campaign's if it succeeds, in minor units; perhaps nothing."""
    if states_of_pledge(pledge, payment)[0] not in FOR_THE_CAMPAIGN:
        return 0
    is_charged = payment is not None and payment.money.is_charged
    return payment.money.counted_amount if payment and is_charged else pledge.amount


def join_account(token: str, *, user: User) -> Pledge:
    """Put a guest's pledge among those of an account; only a mailed link proves whose it is."""
    with transaction() as session:
        link = session.scalars(
            sa.select(PledgeLink).where(
                PledgeLink.token_hash == hash_token(token), PledgeLink.revoked_at.is_(None)
            )
        ).one_or_none()
        if link is None or not link.is_mailed:
            raise CannotJoinError(N_("Open the link of the mail to add this pledge to an account."))
        pledge = lock(session, Pledge, id=link.pledge_id)
        if pledge.user_id not in {None, user.id}:
            raise CannotJoinError(N_("This pledge belongs to another account."))
        pledge.user_id = user.id
        return pledge


def renew_link(pledge_id: str, *, clock: Clock) -> None:
    """End every link to a receipt, and mail one new link to the address of the pledge.

    Whoever was handed an earlier one finds nothing there from now on. Raises
    ``NotPaidYetError`` while a payment is under way, and for what nobody paid: only who pays has
    shown that the address may be mailed.
    """
    with transaction() as session:
        at = clock.now()
        pledge = lock(session, Pledge, public_id=pledge_id)
        if pledge.confirmed_at is None:
            raise NotPaidYetError(N_("Finish the payment first: its page leads back by this link."))
        session.execute(
            sa.update(PledgeLink)
            .where(PledgeLink.pledge_id == pledge.id, PledgeLink.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        mail_link(session, pledge, template="pledge_link", at=at)
