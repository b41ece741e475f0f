"""Where Stripe delivers its events: verify, store, answer; nothing is handled here."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from octo.web.bodies import reads_its_body
from octo.web.permissions import public
from octo.web.security import without_csrf
from octo.web.security_log import note_security
from payments.gateway.runtime import payments_runtime
from payments.settings import StripeSettings
from payments.webhooks.inbox import store_event
from payments.webhooks.signature import BadSignatureError, verified_event

LARGEST_EVENT_BYTES = 1_000_000

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.post("/stripe")
@public
@without_csrf
@reads_its_body
def receive_event() -> Response:
    """Keep one event of Stripe's and answer 200; a forged one is refused.

    One that is not ours, of the other mode or of an account we do not know, is kept as ignored.
    """
    request.max_content_length = LARGEST_EVENT_BYTES
    runtime = payments_runtime()
    secrets = runtime.settings.of(StripeSettings).webhook_secrets
    try:
        signature = request.headers.get("Stripe-Signature", "")
        event = verified_event(request.get_data(cache=False), signature, secrets)
    except BadSignatureError:
        note_security("event_refused")
        return Response(status=HTTPStatus.BAD_REQUEST)
    store_event(event, clock=runtime.clock)
    return Response(status=HTTPStatus.OK)
