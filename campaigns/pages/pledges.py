"""Pledging: the form, the sums before paying, the way to the checkout, and the receipt."""

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from campaigns import queries
from campaigns.models import Campaign, Collection, Pledge, Reward, Visibility
from campaigns.pages.entries import Entries, text_of
from campaigns.pages.labels import country_choices, visibility_choices
from campaigns.pages.receipt_states import say
from campaigns.pages.shares import say_rates, say_shares
from campaigns.pledges import queries as pledge_queries
from campaigns.pledges import receipts
from campaigns.pledges.cancel import can_cancel, cancel_pledge
from campaigns.pledges.place import (
    ADDRESS_FIELDS,
    PledgeWish,
    place_pledge,
    preview_pledge,
)
from campaigns.policy.pledges import takes_pledges
from campaigns.policy.receipt_states import offered_acts
from campaigns.ports import bound_payments
from campaigns.settings import Rules
from campaigns.visitor import checkouts
from octo.accounts.current_user import this_user, this_user_or_none
from octo.ids import new_token
from octo.paging import Window
from octo.runtime import runtime
from octo.web.forms import flash_message, is_retry, shown_again_by
from octo.web.language import current_language
from octo.web.navigation import asked_page
from octo.web.permissions import public, signed_in

blueprint = Blueprint("pledges", __name__)


@blueprint.get("/campaigns/<slug>/pledge")
@public
def new(slug: str) -> ResponseReturnValue:
    """Ask how much, for which reward, and what to show."""
    campaign = queries.get_campaign(slug=slug)
    chosen = _reward_of(campaign, request.values.get("reward", ""))
    now = runtime().clock.now()
    return render_template(
        "campaigns/pledge.html",
        campaign=campaign,
        can_pledge=takes_pledges(campaign.status, deadline_at=campaign.deadline_at, at=now),
        rates=say_rates(campaign),
        reward=chosen,
        visibilities=visibility_choices(),
        countries=country_choices(),
        request_key=text_of("request_key") if is_retry() else new_token(),
        user=this_user_or_none(),
        now=now,
    )


@blueprint.post("/campaigns/<slug>/pledge")
@public
@checkouts
@shown_again_by(new)
def place(slug: str) -> ResponseReturnValue:
    """Show the sums of a pledge, and once they are agreed to, lead to the checkout."""
    campaign = queries.get_campaign(slug=slug)
    if "change" in request.form:
        g.form_errors = {}
        return new(slug)
    wish = _wish_of(campaign)
    rules = runtime().settings.of(Rules)
    if "agreed" not in request.form:
        pledge = preview_pledge(campaign.public_id, wish, clock=runtime().clock)
        return render_template(
            "campaigns/pledge_check.html",
            campaign=campaign,
            pledge=pledge,
            reward=_reward_of(campaign, wish.reward_id or ""),
            repair_days=bound_payments().view_terms(campaign).repair_days,
            shares=say_shares(campaign, pledge.amount),
            entries=[(k, v) for k, v in request.form.items() if k != "csrf_token"],
        )
    placed = place_pledge(campaign.public_id, wish, clock=runtime().clock, rules=rules)
    return _to_checkout(placed.pledge, url_for("pledges.receipt", token=placed.token))


@blueprint.get("/pledges/<token>")
@public
def receipt(token: str) -> ResponseReturnValue:
    """Show how a pledge and its money stand, to whoever holds its link."""
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    receipts.refresh_if_pending(pledge, payments=bound_payments())
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    return _receipt_page(
        pledge,
        pay_url=url_for("pledges.pay", token=token),
        repair_url=url_for("pledges.repair", token=token),
        cancel_url=url_for("pledges.cancel", token=token),
        join_url=url_for("pledges.join", token=token) if _can_join(pledge) else None,
        renew_url=url_for("pledges.renew", token=token),
    )


@blueprint.post("/pledges/<token>/pay")
@public
@checkouts
@shown_again_by(receipt)
def pay(token: str) -> ResponseReturnValue:
    """Lead back to a checkout that was left."""
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    return _to_checkout(pledge, url_for("pledges.receipt", token=token))


@blueprint.post("/pledges/<token>/repair")
@public
@checkouts
@shown_again_by(receipt)
def repair(token: str) -> ResponseReturnValue:
    """Lead to a page to pay on, for a pledge whose saved card was declined."""
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    return _to_repair(pledge, url_for("pledges.receipt", token=token))


@blueprint.post("/pledges/<token>/cancel")
@public
@shown_again_by(receipt)
def cancel(token: str) -> ResponseReturnValue:
    """End a pledge and give its money back, by the rules."""
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    _cancel(pledge)
    return _without_referrer(redirect(url_for("pledges.receipt", token=token), 303))


@blueprint.post("/pledges/<token>/join")
@signed_in
@shown_again_by(receipt)
def join(token: str) -> ResponseReturnValue:
    """Put a guest's pledge among those of the account signed in."""
    pledge = receipts.join_account(token, user=this_user())
    flash_message(_("This pledge is now among yours."))
    return redirect(url_for("pledges.own", pledge_id=pledge.public_id), 303)


@blueprint.post("/pledges/<token>/renew")
@public
@shown_again_by(receipt)
def renew(token: str) -> ResponseReturnValue:
    """End every link to this receipt and mail a new one."""
    pledge = pledge_queries.get_pledge_by_token(token, at=runtime().clock.now())
    receipts.renew_link(pledge.public_id, clock=runtime().clock)
    flash_message(
        _("A new link is on its way to the address of the pledge. The earlier ones are ended.")
    )
    return redirect(url_for("campaigns.show", slug=pledge.campaign.slug), 303)


@blueprint.get("/account/pledges")
@signed_in
def mine() -> ResponseReturnValue:
    """List the pledges of the account signed in."""
    return render_template(
        "campaigns/my_pledges.html",
        pledges=pledge_queries.list_own_pledges(this_user(), window=Window(asked_page())),
    )


@blueprint.get("/account/pledges/<pledge_id>")
@signed_in
def own(pledge_id: str) -> ResponseReturnValue:
    """Show a pledge of the account signed in, as its mailed link does."""
    pledge = pledge_queries.get_own_pledge(pledge_id, user=this_user())
    receipts.refresh_if_pending(pledge, payments=bound_payments())
    return _receipt_page(
        pledge_queries.get_own_pledge(pledge_id, user=this_user()),
        pay_url=url_for("pledges.pay_own", pledge_id=pledge_id),
        repair_url=url_for("pledges.repair_own", pledge_id=pledge_id),
        cancel_url=url_for("pledges.cancel_own", pledge_id=pledge_id),
        join_url=None,
        renew_url=None,
    )


@blueprint.post("/account/pledges/<pledge_id>/pay")
@signed_in
@checkouts
@shown_again_by(own)
def pay_own(pledge_id: str) -> ResponseReturnValue:
    """Lead back to a checkout that was left, for a pledge of the account signed in."""
    pledge = pledge_queries.get_own_pledge(pledge_id, user=this_user())
    return _to_checkout(pledge, url_for("pledges.own", pledge_id=pledge_id))


@blueprint.post("/account/pledges/<pledge_id>/repair")
@signed_in
@checkouts
@shown_again_by(own)
def repair_own(pledge_id: str) -> ResponseReturnValue:
    """Lead to a page to pay on, for a pledge of the account signed in."""
    pledge = pledge_queries.get_own_pledge(pledge_id, user=this_user())
    return _to_repair(pledge, url_for("pledges.own", pledge_id=pledge_id))


@blueprint.post("/account/pledges/<pledge_id>/cancel")
@signed_in
@shown_again_by(own)
def cancel_own(pledge_id: str) -> ResponseReturnValue:
    """End a pledge of the account signed in."""
    _cancel(pledge_queries.get_own_pledge(pledge_id, user=this_user()))
    return redirect(url_for("pledges.own", pledge_id=pledge_id), 303)


def _wish_of(campaign: Campaign) -> PledgeWish:
    currency = campaign.currency
    user = this_user_or_none()
    entries = Entries()
    return PledgeWish(
        amount=entries.amount("amount", currency),
        tip_amount=entries.optional_amount("tip", currency),
        reward_id=text_of("reward") or None,
        email=user.email if user else text_of("email"),
        user_id=user.id if user else None,
        name=text_of("name"),
        visibility=entries.choice("visibility", Visibility),
        message=text_of("message"),
        address={line: text_of(line) for line in ADDRESS_FIELDS},
        locale=current_language(),
        request_key=text_of("request_key") or new_token(),
        unread=entries.unread,
    )


def _reward_of(campaign: Campaign, reward_id: str) -> Reward | None:
    return next((r for r in campaign.rewards if r.public_id == reward_id), None)


def _to_checkout(pledge: Pledge, receipt_path: str) -> ResponseReturnValue:
    back = runtime().settings.base_url + receipt_path
    page = bound_payments().start_checkout(pledge.public_id, return_url=back, cancel_url=back)
    return _without_referrer(redirect(page.url, 303))


def _to_repair(pledge: Pledge, receipt_path: str) -> ResponseReturnValue:
    back = runtime().settings.base_url + receipt_path
    page = bound_payments().start_repair(pledge.public_id, return_url=back, cancel_url=back)
    return _without_referrer(redirect(page.url, 303))


def _cancel(pledge: Pledge) -> None:
    cancel_pledge(
        pledge.public_id,
        clock=runtime().clock,
        payments=bound_payments(),
        rules=runtime().settings.of(Rules),
    )
    if pledge.campaign.collection is Collection.ON_SUCCESS:
        flash_message(
            _("Your pledge is canceled. Nothing was charged, and your card is forgotten.")
        )
    else:
        flash_message(_("Your pledge is canceled. What was paid is on its way back to your card."))


def _can_join(pledge: Pledge) -> bool:
    return pledge.user_id is None and this_user_or_none() is not None


def _receipt_page(
    pledge: Pledge,
    *,
    pay_url: str,
    repair_url: str,
    cancel_url: str,
    join_url: str | None,
    renew_url: str | None,
) -> Response:
    payments = bound_payments()
    payment = payments.view_payment(pledge.public_id)
    states = receipts.states_of_pledge(pledge, payment)
    now = runtime().clock.now()
    page = render_template(
        "campaigns/receipt.html",
        pledge=pledge,
        campaign=pledge.campaign,
        payment=payment,
        states=states,
        said=say(states, pledge, payment),
        acts=offered_acts(states),
        shares=say_shares(pledge.campaign, receipts.amount_for_campaign(pledge, payment)),
        pay_url=pay_url,
        repair_url=repair_url,
        cancel_url=cancel_url,
        join_url=join_url,
        renew_url=renew_url,
        can_cancel=can_cancel(
            pledge, at=now, payments=payments, rules=runtime().settings.of(Rules)
        ),
        now=now,
    )
    return _without_referrer(make_response(page))


def _without_referrer(response: Response) -> Response:
    """Keep the link secret: no address leaves with the next click, nothing is stored."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
