"""A treasurer's form that is sent twice acts once, and says so."""

import lxml.html
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from campaigns.models import Campaign
from octo.audit import AuditEvent
from octo.database import db
from payments.models import Payment
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    check_books,
    contest,
    debt_left,
    refunded,
    sent_to_owner,
    sign_in_as_treasurer,
)
from tests.visitor import Visitor, choose_form

NET = 122_13
SENT_BEFORE = "Ce formulaire a déjà été envoyé"

pytestmark = pytest.mark.both_engines


class Form:
    """A form as it stands in a tab of the browser, to be sent as often as one likes."""

    def __init__(self, client: Visitor, page: str, action: str, **fields: str) -> None:
        form = choose_form(client.page(page), action, {})
        self._client, self._page, self._action = client, page, form.action or ""
        self._sent = {**dict(form.form_values()), **fields}

    def send(self, **changed: str) -> TestResponse:
        return self._client.post(
            self._action,
            data={**self._sent, **changed},
            headers={"Referer": f"http://localhost{self._page}"},
            follow_redirects=True,
        )


def said(answer: TestResponse) -> str:
    """Return what an answer says, spaces as a reader sees them."""
    return " ".join(str(lxml.html.fromstring(answer.text).text_content()).split())


def acts(action: str) -> int:
    found = sa.select(sa.func.count()).where(AuditEvent.action == action)
    return db.session.scalar(found) or 0


def contested(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, Payment]:
    """Pay an owner, then have a bank take one of the two pledges back."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    payment = make.payment(make.pledge(campaign, 80_00, card=AVAILABLE_AT_ONCE))
    other = make.payment(make.pledge(campaign, 53_33, card=AVAILABLE_AT_ONCE))
    moment.advance(days=21)
    make.work()
    contest(sandbox, payment.stripe_charge_id)
    make.work()
    return campaign, other


@pytest.mark.slow
def test_a_recovery_sent_twice_is_asked_once(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, _ = contested(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    page = f"/treasury/campaigns/{campaign.public_id}/debt"
    form = Form(client, page, "/debt/recover", amount="30", reason="Vu avec la structure")

    assert [form.send().status_code for _ in range(2)] == [200, 200]
    make.work()

    assert sent_to_owner(sandbox, campaign) == NET - 30_00
    assert SENT_BEFORE in said(form.send())
    assert form.send(amount="20").status_code == 409
    assert form.send(idempotency_key="").status_code == 422
    make.work()
    assert sent_to_owner(sandbox, campaign) == NET - 30_00
    assert acts("debt.recovery_asked") == 1

    assert Form(client, page, "/debt/recover", reason="Le reste").send().status_code == 200
    make.work()
    assert debt_left(campaign) == 0
    check_books(sandbox)


def test_a_refund_sent_twice_is_made_once_and_told_once(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, payment = contested(make, moment, sandbox)
    sign_in_as_treasurer(make, client)
    page = f"/treasury/campaigns/{campaign.public_id}"
    form = Form(client, page, f"/payments/{payment.public_id}/refunds", amount="13,33")

    assert [form.send().status_code for _ in range(2)] == [200, 200]
    make.work()

    assert SENT_BEFORE in said(form.send())
    assert form.send(amount="20").status_code == 409
    assert form.send(idempotency_key="").status_code == 422
    make.work()
    assert refunded(sandbox) == [13_33]
    assert acts("payment.refunded") == 1
    check_books(sandbox)
