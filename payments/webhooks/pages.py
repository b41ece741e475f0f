"""Where Stripe delivers its events: verify, store, answer; nothing is handled here."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from octo.web.permissions import public
from octo.web.security import without_csrf
from payments.runtime import payments_runtime
from payments.webhooks.inbox import store_event
from payments.webhooks.signature import BadSignatureError, verified_event

LARGEST_EVENT_BYTES = 1_000_000

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.post("/stripe")
@public
@without_csrf
def receive_event() -> Response:
    """Keep one event of Stripe's and answer 200; a forged or foreign one changes nothing."""
    if (request.content_length or 0) > LARGEST_EVENT_BYTES:
        return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    runtime = payments_runtime()
    stripe = runtime.settings.stripe
    try:
        signature = request.headers.get("Stripe-Signature", "")
        event = verified_event(request.get_data(cache=False), signature, stripe.webhook_secrets)
    except BadSignatureError:
        return Response(status=HTTPStatus.BAD_REQUEST)
    is_live_key = stripe.secret_key.startswith(("sk_live_", "rk_live_"))
    if bool(event.get("livemode", False)) is is_live_key:
        store_event(event, clock=runtime.clock)
    return Response(status=HTTPStatus.OK)
