"""The treasurer's acts on money after the verdict, each on a page that says what it does."""

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from octo.errors import N_, InvalidError
from octo.money import parse_amount
from octo.web.forms import flash_message, idempotency_key, shown_again_by
from octo.web.permissions import requires
from payments.gateway.runtime import payments_runtime
from payments.models import ReversalStatus
from payments.owners import debts
from payments.refunds import failed
from payments.refunds.failed import Means
from payments.settlement import refund_all as giving_back
from treasury import after_verdict, queries
from treasury.permissions import MOVE_MONEY, REFUND_PAYMENTS

blueprint = Blueprint("decisions", __name__, url_prefix="/treasury")


@blueprint.get("/campaigns/<campaign_id>/debt")
@requires(MOVE_MONEY)
def debt(campaign_id: str) -> ResponseReturnValue:
    """Show what the owner of a campaign owes, and what can be done about it."""
    money = queries.get_campaign_money(campaign_id)
    return render_template(
        "treasury/debt.html",
        campaign=money.campaign,
        after=after_verdict.read_after_verdict(
            money.campaign.id, at=payments_runtime().clock.now()
        ),
    )


@blueprint.post("/campaigns/<campaign_id>/debt/recover")
@requires(MOVE_MONEY)
@shown_again_by(debt)
def recover(campaign_id: str) -> ResponseReturnValue:
    """Take back from the owner's Stripe account what is owed."""
    runtime = payments_runtime()
    asked = debts.recover_debt(
        campaign_id,
        amount=parse_amount(request.form.get("amount", ""), runtime.settings.currency),
        idempotency_key=idempotency_key(),
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    if all(one.status is ReversalStatus.PENDING for one in asked):
        flash_message(_("Stripe is asked to take it back from the owner's account."))
    else:
        flash_message(_("This form was sent before: nothing is asked twice."), "note")
    return _back_to(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/debt/write-off")
@requires(MOVE_MONEY)
@shown_again_by(debt)
def write_off(campaign_id: str) -> ResponseReturnValue:
    """Let the owner off what is owed."""
    runtime = payments_runtime()
    debts.write_off_debt(
        campaign_id,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("The debt is written off."))
    return _back_to(campaign_id)


@blueprint.get("/campaigns/<campaign_id>/refund-all")
@requires(MOVE_MONEY)
def refund_all(campaign_id: str) -> ResponseReturnValue:
    """Say what giving everything back does, and until when it must be decided."""
    money = queries.get_campaign_money(campaign_id)
    return render_template(
        "treasury/refund_all.html",
        campaign=money.campaign,
        after=after_verdict.read_after_verdict(
            money.campaign.id, at=payments_runtime().clock.now()
        ),
    )


@blueprint.post("/campaigns/<campaign_id>/refund-all")
@requires(MOVE_MONEY)
@shown_again_by(refund_all)
def give_all_back(campaign_id: str) -> ResponseReturnValue:
    """Turn a success that cannot be paid into a failure, and give everything back."""
    runtime = payments_runtime()
    giving_back.refund_all(
        public_id=campaign_id,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("Everything goes back to the backers."))
    return _back_to(campaign_id)


@blueprint.get("/transfers/<transfer_id>")
@requires(MOVE_MONEY)
def transfer(transfer_id: str) -> ResponseReturnValue:
    """Show a transfer that was taken back, and that waits to be paid again."""
    found = after_verdict.get_transfer(transfer_id)
    return render_template("treasury/transfer.html", transfer=found, campaign=found.campaign)


@blueprint.post("/transfers/<transfer_id>/pay-again")
@requires(MOVE_MONEY)
@shown_again_by(transfer)
def pay_again(transfer_id: str) -> ResponseReturnValue:
    """Let what was taken back be paid to the owner again."""
    runtime = payments_runtime()
    found = debts.pay_again(
        transfer_id,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("The owner will be paid again."))
    return _back_to(after_verdict.get_transfer(found.public_id).campaign.public_id)


@blueprint.get("/refunds/<refund_id>")
@requires(REFUND_PAYMENTS)
def failed_refund(refund_id: str) -> ResponseReturnValue:
    """Show a refund that failed, and the ways to pay its backer."""
    found = after_verdict.get_refund(refund_id)
    return render_template(
        "treasury/refund.html", refund=found, campaign=found.campaign, means=list(Means)
    )


@blueprint.post("/refunds/<refund_id>/try-again")
@requires(REFUND_PAYMENTS)
@shown_again_by(failed_refund)
def retry_refund(refund_id: str) -> ResponseReturnValue:
    """Ask Stripe once more."""
    runtime = payments_runtime()
    failed.retry_refund(
        refund_id,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("The refund is on its way."))
    return redirect(url_for("treasury.overview"), HTTPStatus.SEE_OTHER)


@blueprint.post("/refunds/<refund_id>/paid-by-bank")
@requires(REFUND_PAYMENTS)
@shown_again_by(failed_refund)
def pay_by_bank(refund_id: str) -> ResponseReturnValue:
    """Record that the backer was paid from the platform's bank."""
    runtime = payments_runtime()
    failed.pay_by_bank(
        refund_id,
        means=_chosen_means(),
        reference=request.form.get("reference", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("It is written down that the backer was paid."))
    return redirect(url_for("treasury.overview"), HTTPStatus.SEE_OTHER)


def _chosen_means() -> Means:
    chosen = request.form.get("means", "")
    if chosen not in {one.value for one in Means}:
        raise InvalidError(N_("Choose how the backer was paid."), field="means")
    return Means(chosen)


def _back_to(campaign_id: str) -> ResponseReturnValue:
    return redirect(url_for("treasury.campaign", campaign_id=campaign_id), HTTPStatus.SEE_OTHER)
