"""A crowd: the paid pledges of one campaign by the thousand, written straight into both ends.

Made through the pages, ten thousand of them would take an hour. Here the sandbox charges a
card for each, and their rows and postings are written in bulk; what is measured or tested is
what happens to them afterwards.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.models import Campaign, Pledge, PledgeStatus, Visibility
from octo.database import db, lock, transaction
from octo.ids import new_public_id
from payments.accounting import entries
from payments.ledger.drafts import MovementFacts
from payments.ledger.posting import adopt_many
from payments.models import Payment, PaymentStatus
from stripe_sandbox.client import SandboxClient

AMOUNT: Final = 15_00
FEE: Final = 48  # Stripe keeps 1.5 % and 0.25
AT_A_TIME: Final = 1000


def charge_cards(sandbox: SandboxClient, count: int) -> None:
    """Charge cards whose money is available at once, and top up what Stripe keeps of it."""
    sandbox.top_up(count * FEE + 100_00)
    for _ in range(count):
        sandbox.call_stripe(
            "/v1/payment_intents",
            amount=AMOUNT,
            currency="eur",
            confirm="true",
            payment_method="pm_card_bypassPending",
            return_url="http://localhost/",
        )


def movements_at(sandbox: SandboxClient) -> Iterator[MovementFacts]:
    """Give every movement of the sandbox's account."""
    yield from map(_facts, sandbox.every("/v1/balance_transactions"))


def movements_of_nowhere(count: int) -> Iterator[MovementFacts]:
    """Give the movements of charges that no sandbox knows."""
    at = datetime.now(UTC).replace(microsecond=0)
    mine = uuid.uuid4().hex[:12]
    for number in range(count):
        yield MovementFacts(
            stripe_balance_transaction_id=f"txn_{mine}{number:08}",
            type="charge",
            reporting_category="charge",
            source=f"ch_{mine}{number:08}",
            amount=AMOUNT,
            fee=FEE,
            net=AMOUNT - FEE,
            currency="EUR",
            occurred_at=at,
            available_at=at,
        )


def _facts(seen: dict[str, Any]) -> MovementFacts:
    return MovementFacts(
        stripe_balance_transaction_id=seen["id"],
        type=seen["type"],
        reporting_category=seen["reporting_category"],
        source=seen["source"],
        amount=seen["amount"],
        fee=seen["fee"],
        net=seen["net"],
        currency=seen["currency"].upper(),
        occurred_at=datetime.fromtimestamp(seen["created"], UTC),
        available_at=datetime.fromtimestamp(seen["available_on"], UTC),
    )


def gather(campaign: Campaign, movements: Iterable[MovementFacts]) -> int:
    """Write a paid pledge for each charge, and what else moved into the books; count them."""
    charged = 0
    rest = iter(movements)
    while some := list(itertools.islice(rest, AT_A_TIME)):
        charges = [one for one in some if one.type == "charge"]
        topups = [one for one in some if one.type == "topup"]
        assert len(charges) + len(topups) == len(some)
        with transaction() as session:
            payments = _payments(session, campaign, charges)
            adopt_many(session, [(one, entries.topup(one)) for one in topups])
            adopt_many(
                session,
                [
                    (one, entries.charge(payment, one))
                    for payment, one in zip(payments, charges, strict=True)
                ],
            )
            row = lock(session, Campaign, id=campaign.id)
            row.pledged_amount += len(charges) * AMOUNT
            row.backers_count += len(charges)
        charged += len(charges)
    db.session.expunge_all()
    return charged


def _payments(
    session: sa.orm.Session, campaign: Campaign, charges: list[MovementFacts]
) -> list[Payment]:
    if not charges:
        return []
    pledges = [_pledge(campaign, one) for one in charges]
    added = sa.insert(Pledge).returning(Pledge.id, sort_by_parameter_order=True)
    ids = session.scalars(added, pledges).all()
    rows = [_payment(campaign, pledge_id, one) for pledge_id, one in zip(ids, charges, strict=True)]
    session.execute(sa.insert(Payment), rows)
    kept = session.get_one(Campaign, campaign.id)
    session.expunge(kept)
    return [Payment(campaign=kept, **row) for row in rows]


def _pledge(campaign: Campaign, paid: MovementFacts) -> dict[str, Any]:
    return {
        "public_id": new_public_id("plg"),
        "request_key": uuid.uuid4().hex,
        "campaign_id": campaign.id,
        "email": f"{paid.source}@example.org",
        "locale": "fr",
        "amount": AMOUNT,
        "currency": "EUR",
        "visibility": Visibility.ANONYMOUS,
        "status": PledgeStatus.ACTIVE,
        "created_at": paid.occurred_at,
        "expires_at": paid.occurred_at + timedelta(hours=1),
        "confirmed_at": paid.occurred_at,
    }


def _payment(campaign: Campaign, pledge_id: int, paid: MovementFacts) -> dict[str, Any]:
    return {
        "public_id": new_public_id("pay"),
        "pledge_id": pledge_id,
        "campaign_id": campaign.id,
        "amount": AMOUNT,
        "tip_amount": 0,
        "currency": "EUR",
        "status": PaymentStatus.SUCCEEDED,
        "is_late": False,
        "processor_fee_amount": paid.fee,
        "stripe_charge_id": paid.source,
        "created_at": paid.occurred_at,
        "charged_at": paid.occurred_at,
        "available_at": paid.available_at,
    }
