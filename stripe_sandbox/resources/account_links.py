"""Account links: single-use addresses of the onboarding page."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.errors import malformed
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.accounts import get_account, instant
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store

TYPE: Final = "v2.core.account_link"
_USES: Final = ("account_onboarding", "account_update")
_LIFE_SECONDS: Final = 600


@route("POST", "/v2/core/account_links", params="account use_case")
def create_account_link(call: Call) -> Json:
    account = get_account(call.store, call.params.need_text("account"))
    use_case = call.params.branch("use_case")
    kind = use_case.choice("type", _USES)
    if kind is None:
        raise malformed("use_case.type is required.", param="use_case[type]")
    details = use_case.branch(kind)
    details.allow(("collection_options", "configurations", "refresh_url", "return_url"))
    link = {
        "id": new_id("accl"),
        "object": TYPE,
        "account": account["id"],
        "created": instant(call.now),
        "expires_at": instant(call.now + _LIFE_SECONDS),
        "livemode": False,
        "url": "",
        "use_case": {
            "type": kind,
            kind: {
                "refresh_url": details.need_text("refresh_url"),
                "return_url": details.text("return_url"),
            },
        },
        "_expires_at": call.now + _LIFE_SECONDS,
        "_used": False,
    }
    link["url"] = f"{call.base_url}/onboarding/{call.store.account}/{link['id']}"
    call.store.add(link)
    return {key: value for key, value in link.items() if key != "id"}


def is_usable(store: Store, link: Json) -> bool:
    return not link["_used"] and store.now < link["_expires_at"]


def use(store: Store, link: Json) -> None:
    """Spend the link: it works once."""
    link["_used"] = True
    store.save(link)


def addresses(link: Json) -> tuple[str, str]:
    """Return where to go when the flow ends, and where when the link no longer works."""
    details = link["use_case"][link["use_case"]["type"]]
    return details["return_url"] or details["refresh_url"], details["refresh_url"]
