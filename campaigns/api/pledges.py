"""Pledging in the API: a pledge, its receipt by a secret token, and those of an account."""

from http import HTTPStatus
from typing import Any

from flask import url_for

from campaigns import queries
from campaigns.models import Pledge
from campaigns.pledges import cancel, place, receipts
from campaigns.pledges import queries as pledge_queries
from campaigns.pledges.place import (
    PledgeWish,
    RequestKeyReusedError,
    SoldOutError,
)
from campaigns.pledges.receipts import CannotJoinError, NotPaidYetError
from campaigns.policy.pledges import (
    BelowRewardMinimumError,
    CampaignNotOpenError,
    CancelRefusedError,
)
from campaigns.ports import (
    NothingToRepairError,
    NotPayableError,
    PaymentsAwayError,
    StillAskedError,
    bound_payments,
)
from campaigns.schemas.answers import (
    CheckoutSchema,
    PledgePlacedSchema,
    PledgeSchema,
    PledgeSumsSchema,
    ReceiptSchema,
)
from campaigns.schemas.bodies import PledgeCreateSchema
from campaigns.settings import Rules
from campaigns.visitor import checkouts
from octo.accounts.current_user import this_user, this_user_or_none
from octo.accounts.schemas import MailedTokenSchema
from octo.errors import N_
from octo.ids import new_token
from octo.paging import Page, Window
from octo.runtime import runtime
from octo.web.fields import KeySchema
from octo.web.language import current_language
from octo.web.permissions import public, signed_in
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Pledges"),
    __name__,
    description=N_("Pledge with or without an account, read the receipt, cancel by the rules."),
)
_EXAMPLE = {
    "amount": 3500,
    "reward": "rwd_7c5x2m4k6p3n1q8s9t0v",
    "tip_amount": 200,
    "email": "lena@example.org",
    "name": "Léna Riou",
    "visibility": "public",
}


@api.post("/campaigns/<campaign_id>/pledge-sums")
@public
@api.refuses(CampaignNotOpenError, SoldOutError, BelowRewardMinimumError)
@api.arguments(PledgeCreateSchema, example=_EXAMPLE)
@api.response(HTTPStatus.OK, PledgeSumsSchema)
def preview_pledge(body: dict[str, Any], campaign_id: str) -> Pledge:
    """Read what a pledge would come to, before making it; nothing is written."""
    campaign = queries.get_campaign(public_id=campaign_id)
    return place.preview_pledge(
        campaign.public_id, _wish_of(body, request_key=new_token()), clock=runtime().clock
    )


@api.post("/campaigns/<campaign_id>/pledges")
@public
@checkouts
@api.refuses(
    CampaignNotOpenError,
    SoldOutError,
    BelowRewardMinimumError,
    RequestKeyReusedError,
    NotPayableError,
    PaymentsAwayError,
)
@api.arguments(KeySchema, location="headers")
@api.arguments(PledgeCreateSchema, example=_EXAMPLE)
@api.response(HTTPStatus.CREATED, PledgePlacedSchema)
def place_pledge(
    headers: dict[str, str], body: dict[str, Any], campaign_id: str
) -> dict[str, object]:
    """Pledge, and get the address of the page to pay on.

    The pledge counts once it is paid there. Sent again with the same key after an
    interruption, it is the same pledge and the same page. A guest is then given no token: whoever
    guesses a key must not read a receipt, and the mail that follows the payment has a link.
    """
    placed = place.place_pledge(
        campaign_id,
        _wish_of(body, request_key=headers["idempotency_key"]),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    checkout = _open_checkout(placed.pledge, back=_receipt_url(placed.token))
    answer = {"pledge": placed.pledge, "receipt_token": placed.token, **checkout}
    if placed.is_repeated and placed.pledge.user_id is None:
        answer |= {"receipt_token": None, "receipt_url": None}
    return answer


@api.get("/receipts/<token>")
@public
@api.response(HTTPStatus.OK, ReceiptSchema)
def get_receipt(token: str) -> dict[str, object]:
    """Read the receipt that a secret token opens: how the pledge and its money stand."""
    receipts.refresh_if_pending(_by_token(token), payments=bound_payments())
    return _receipt_of(_by_token(token))


@api.post("/receipts/<token>/checkout")
@public
@checkouts
@api.refuses(NotPayableError, PaymentsAwayError)
@api.response(HTTPStatus.OK, CheckoutSchema)
def reopen_checkout(token: str) -> dict[str, object]:
    """Get the page to pay on again, for a pledge whose payment was left."""
    return _open_checkout(_by_token(token), back=_receipt_url(token))


@api.post("/receipts/<token>/repair")
@public
@checkouts
@api.refuses(NothingToRepairError, StillAskedError, PaymentsAwayError)
@api.response(HTTPStatus.OK, CheckoutSchema)
def repair_payment(token: str) -> dict[str, object]:
    """Get a page to pay on for a pledge whose saved card was declined, while it may be."""
    return _open_repair(_by_token(token), back=_receipt_url(token))


@api.post("/receipts/<token>/cancellation")
@public
@api.refuses(CancelRefusedError)
@api.response(HTTPStatus.OK, ReceiptSchema)
def cancel_pledge(token: str) -> dict[str, object]:
    """Cancel the pledge that a secret token opens; what was paid goes back.

    Until the deadline; in the last 24 hours not when that would sink a goal already reached.
    """
    _cancel(_by_token(token))
    return _receipt_of(_by_token(token))


@api.post("/receipts/<token>/renewal")
@public
@api.refuses(NotPaidYetError)
@api.response(HTTPStatus.NO_CONTENT)
def renew_link(token: str) -> None:
    """End every link to this receipt; one new link is mailed to the address of the pledge."""
    receipts.renew_link(_by_token(token).public_id, clock=runtime().clock)


@api.get("/me/pledges")
@signed_in
@api.paged(PledgeSchema)
def list_own_pledges(window: Window) -> Page[Pledge]:
    """List your pledges, the latest first."""
    return pledge_queries.list_own_pledges(this_user(), window=window)


@api.post("/me/pledges")
@signed_in
@api.refuses(CannotJoinError)
@api.arguments(MailedTokenSchema)
@api.response(HTTPStatus.OK, PledgeSchema)
def join_pledge(body: dict[str, str]) -> Pledge:
    """Put a guest's pledge among yours, by the token of the mail that confirmed it."""
    joined = receipts.join_account(body["token"], user=this_user())
    return pledge_queries.get_own_pledge(joined.public_id, user=this_user())


@api.get("/me/pledges/<pledge_id>")
@signed_in
@api.response(HTTPStatus.OK, ReceiptSchema)
def get_own_pledge(pledge_id: str) -> dict[str, object]:
    """Read the receipt of one of your pledges."""
    receipts.refresh_if_pending(_own(pledge_id), payments=bound_payments())
    return _receipt_of(_own(pledge_id))


@api.post("/me/pledges/<pledge_id>/checkout")
@signed_in
@checkouts
@api.refuses(NotPayableError, PaymentsAwayError)
@api.response(HTTPStatus.OK, CheckoutSchema)
def reopen_own_checkout(pledge_id: str) -> dict[str, object]:
    """Get the page to pay on again, for one of your pledges whose payment was left."""
    return _open_checkout(_own(pledge_id), back=_own_url(pledge_id))


@api.post("/me/pledges/<pledge_id>/repair")
@signed_in
@checkouts
@api.refuses(NothingToRepairError, StillAskedError, PaymentsAwayError)
@api.response(HTTPStatus.OK, CheckoutSchema)
def repair_own_payment(pledge_id: str) -> dict[str, object]:
    """Get a page to pay on for one of your pledges whose saved card was declined."""
    return _open_repair(_own(pledge_id), back=_own_url(pledge_id))


@api.post("/me/pledges/<pledge_id>/cancellation")
@signed_in
@api.refuses(CancelRefusedError)
@api.response(HTTPStatus.OK, ReceiptSchema)
def cancel_own_pledge(pledge_id: str) -> dict[str, object]:
    """Cancel one of your pledges, by the same rules."""
    _cancel(_own(pledge_id))
    return _receipt_of(_own(pledge_id))


def _wish_of(body: dict[str, Any], *, request_key: str) -> PledgeWish:
    user = this_user_or_none()
    return PledgeWish(
        amount=body["amount"],
        reward_id=body["reward"],
        tip_amount=body["tip_amount"],
        email=user.email if user else body["email"] or "",
        user_id=user.id if user else None,
        name=body["name"],
        visibility=body["visibility"],
        message=body["message"],
        address=body["address"] or {},
        locale=current_language(),
        request_key=request_key,
    )


def _open_checkout(pledge: Pledge, *, back: str) -> dict[str, object]:
    page = bound_payments().start_checkout(pledge.public_id, return_url=back, cancel_url=back)
    return {"checkout_url": page.url, "expires_at": page.expires_at, "receipt_url": back}


def _receipt_url(token: str) -> str:
    return runtime().settings.base_url + url_for("pledges.receipt", token=token)


def _own_url(pledge_id: str) -> str:
    return runtime().settings.base_url + url_for("pledges.own", pledge_id=pledge_id)


def _open_repair(pledge: Pledge, *, back: str) -> dict[str, object]:
    page = bound_payments().start_repair(pledge.public_id, return_url=back, cancel_url=back)
    return {"checkout_url": page.url, "expires_at": page.expires_at}


def _by_token(token: str) -> Pledge:
    return pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())


def _own(pledge_id: str) -> Pledge:
    return pledge_queries.get_own_pledge(pledge_id, user=this_user())


def _cancel(pledge: Pledge) -> None:
    cancel.cancel_pledge(
        pledge.public_id,
        clock=runtime().clock,
        payments=bound_payments(),
        rules=runtime().settings.of(Rules),
    )


def _receipt_of(pledge: Pledge) -> dict[str, object]:
    return {
        "pledge": pledge,
        "payment": bound_payments().view_payment(pledge.public_id),
        "can_cancel": cancel.can_cancel(
            pledge,
            at=runtime().clock.now(),
            payments=bound_payments(),
            rules=runtime().settings.of(Rules),
        ),
    }
