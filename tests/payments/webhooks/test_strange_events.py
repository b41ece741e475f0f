"""F12: events that are forged, old, of nobody, of another account, or huge change nothing."""

import json
import time
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from octo.database import db
from payments.ledger.models import LedgerTransaction
from payments.models import InboxEvent, InboxStatus, Payment
from tests.make import Make
from tests.signing import sign
from tests.site import WEBHOOK_SECRET
from tests.visitor import refresh

OLD: Final = 301

pytestmark = pytest.mark.fault("F12")


def deliver(
    client: FlaskClient, payload: str, *, secret: str = WEBHOOK_SECRET, age: int = 0
) -> int:
    response = client.post(
        "/webhooks/stripe",
        data=payload,
        headers={"Stripe-Signature": sign(payload, secret, at=int(time.time()) - age)},
        content_type="application/json",
    )
    return response.status_code


def told(kind: str, subject: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "evt_strange",
        "type": kind,
        "livemode": False,
        "data": {"object": subject},
    } | more


@pytest.mark.parametrize(
    "strange",
    [
        (told("charge.succeeded", {"id": "CHARGE"}), {"secret": "whsec_forged"}, 400, None),
        (told("charge.succeeded", {"id": "CHARGE"}), {"age": OLD}, 400, None),
        (told("charge.succeeded", {"id": "x" * 1_000_001}), {}, 413, None),
        (told("charge.succeeded", {"id": "ch_nobody"}), {}, 200, InboxStatus.PARKED),
        (told("refund.failed", {"id": "re_nobody"}), {}, 200, InboxStatus.PARKED),
        (told("charge.refunded", {"id": "CHARGE"}, livemode=True), {}, 200, InboxStatus.IGNORED),
        (
            told("payout.paid", {"id": "po_theirs"}, account="acct_other"),
            {},
            200,
            InboxStatus.IGNORED,
        ),
        (
            told("account.updated", {"id": "acct_other"}, account="acct_other"),
            {},
            200,
            InboxStatus.PARKED,
        ),
        (told("charge.succeeded", "not an object"), {}, 200, InboxStatus.IGNORED),
        (told("something.new", {"id": "new_1"}, data=[1, 2]), {}, 200, InboxStatus.IGNORED),
    ],
    ids=[
        "forged",
        "an old timestamp",
        "a megabyte",
        "an unknown charge",
        "an unknown refund",
        "of the other mode",
        "of another account's payout",
        "of an unknown account",
        "without an object",
        "of a shape nobody knows",
    ],
)
def test_f12_a_strange_event_changes_nothing(
    client: FlaskClient,
    make: Make,
    strange: tuple[dict[str, Any], dict[str, Any], int, InboxStatus | None],
) -> None:
    sent, how, status, kept = strange
    pledge = make.pledge(make.live_campaign(), 15_00)
    make.work()
    charge = make.payment(pledge).stripe_charge_id
    before = _books()

    assert deliver(client, json.dumps(sent).replace("CHARGE", str(charge)), **how) == status
    make.work()

    refresh()
    found = sa.select(InboxEvent.status).where(InboxEvent.stripe_event_id == "evt_strange")
    assert db.session.scalar(found) is kept
    assert _books() == before


def _books() -> tuple[int, list[Any]]:
    posted = db.session.scalar(sa.select(sa.func.count()).select_from(LedgerTransaction))
    payments = db.session.execute(
        sa.select(Payment.status, Payment.refunded_amount, Payment.disputed_amount)
    ).all()
    return posted or 0, [tuple(row) for row in payments]
