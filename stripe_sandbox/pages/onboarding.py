"""The onboarding page of a connected account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from stripe_sandbox.objects import Json
from stripe_sandbox.pages.language import t
from stripe_sandbox.pages.parts import found, opened
from stripe_sandbox.pages.tones import shown_status, tone_of
from stripe_sandbox.resources.account_links import TYPE as LINK
from stripe_sandbox.resources.account_links import addresses, is_usable, use
from stripe_sandbox.resources.accounts import OUTCOMES, get_account, onboard, transfers_status
from stripe_sandbox.store import Store

blueprint = Blueprint("onboarding", __name__)

_SEE_OTHER: Final = 303
_ADDRESS: Final = "/onboarding/<platform>/<link_id>"


@dataclass(frozen=True)
class OnboardingPage:
    """What the page says about the account."""

    merchant: str
    account: str
    name: str
    status: str
    tone: str
    requirements: list[str]


@blueprint.get(_ADDRESS)
def show(platform: str, link_id: str) -> ResponseReturnValue:
    """Show the page while the link can be used; else send back for a new link."""
    with opened(platform) as store:
        link = found(store, link_id, LINK)
        if not is_usable(store, link):
            return redirect(addresses(link)[1], _SEE_OTHER)
        return render_template(
            "onboarding.html", page=_page(store, get_account(store, link["account"]))
        )


@blueprint.post(_ADDRESS)
def end(platform: str, link_id: str) -> ResponseReturnValue:
    """End the onboarding as chosen, spend the link, and return to the platform."""
    outcome = request.form.get("outcome", "")
    with opened(platform) as store:
        link = found(store, link_id, LINK)
        return_url, refresh_url = addresses(link)
        if not is_usable(store, link):
            return redirect(refresh_url, _SEE_OTHER)
        if outcome in OUTCOMES:
            onboard(store, link["account"], outcome)
        use(store, link)
    return redirect(return_url, _SEE_OTHER)


def _page(store: Store, account: Json) -> OnboardingPage:
    status = transfers_status(account) or "restricted"
    return OnboardingPage(
        merchant=store.settings["business_name"],
        account=account["id"],
        name=account["display_name"] or account["contact_email"] or account["id"],
        status=shown_status(status),
        tone=tone_of(status),
        requirements=[
            t("Who you are: name, date of birth, address."),
            t("An identity document."),
            t("The bank account that is paid."),
        ],
    )
