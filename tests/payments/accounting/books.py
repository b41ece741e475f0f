"""Objects for tests of the ledger: in memory for the pure rules, kept where rows are needed.

They stand in for what services and Stripe would have made, in the order of a campaign's life.
"""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from campaigns.models import Campaign, Category, Pledge
from octo.accounts.models import Organisation
from octo.database import transaction
from octo.ids import new_public_id
from payments.accounting import entries
from payments.ledger.drafts import MovementFacts, TransactionDraft
from payments.ledger.posting import adopt_movement, post
from payments.models import (
    Dispute,
    DisputeStage,
    DisputeStatus,
    Document,
    DocumentSeries,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    Settlement,
    SettlementKind,
    Transfer,
)

NOON: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Kept = TypeVar("Kept")
_numbers = itertools.count(1)


def movement(
    amount: int, *, fee: int = 0, source: str | None = None, kind: str = "charge"
) -> MovementFacts:
    """Make one of Stripe's balance transactions; ``amount`` is signed as Stripe's."""
    number = next(_numbers)
    return MovementFacts(
        stripe_balance_transaction_id=f"txn_{number:08}",
        type=kind,
        reporting_category=kind,
        source=source,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency="EUR",
        occurred_at=NOON + timedelta(seconds=number),
        available_at=NOON + timedelta(days=3),
    )


def campaign() -> Campaign:
    """Make a campaign of an organisation."""
    number = next(_numbers)
    return Campaign(
        public_id=new_public_id("cmp"),
        slug=f"campaign-{number}",
        organisation=Organisation(
            public_id=new_public_id("org"),
            name=f"Organisation {number}",
            slug=f"organisation-{number}",
            created_at=NOON,
        ),
        title=f"Campaign {number}",
        category=Category.FOOD,
        currency="EUR",
        goal_amount=1000_00,
        duration_days=30,
        time_zone="Europe/Paris",
        created_at=NOON,
    )


def payment(of: Campaign, *, amount: int = 50_00, tip: int = 0, is_late: bool = False) -> Payment:
    """Make a successful payment of a pledge and its tip."""
    number = next(_numbers)
    pledge = Pledge(
        public_id=new_public_id("plg"),
        request_key=str(number),
        campaign=of,
        email="backer@example.org",
        locale="fr",
        amount=amount,
        tip_amount=tip,
        currency="EUR",
        created_at=NOON,
        expires_at=NOON,
    )
    return Payment(
        public_id=new_public_id("pay"),
        pledge=pledge,
        campaign=of,
        amount=amount,
        tip_amount=tip,
        currency="EUR",
        status=PaymentStatus.SUCCEEDED,
        is_late=is_late,
        refunded_amount=0,
        refunded_tip_amount=0,
        disputed_amount=0,
        stripe_charge_id=f"ch_{number:08}",
        charged_at=NOON,
        created_at=NOON,
    )


def refund(of: Payment, *, funds: int = 0, tip: int = 0, owed: int = 0) -> Refund:
    """Make a refund by the split given."""
    number = next(_numbers)
    return Refund(
        public_id=new_public_id("rfd"),
        payment=of,
        campaign=of.campaign,
        number=number,
        action_key=str(number),
        reason=RefundReason.TREASURER,
        amount=funds + tip + owed,
        funds_amount=funds,
        tip_amount=tip,
        owed_amount=owed,
        currency="EUR",
        stripe_refund_id=f"re_{number:08}",
        requested_at=NOON,
    )


def document(of: Campaign) -> Document:
    """Make a document of a campaign, the first of a series of its own."""
    series = f"T{next(_numbers)}"
    return Document(
        public_id=new_public_id("doc"),
        kind="settlement",
        series=series,
        position=1,
        number=f"{series}-1",
        issued_at=NOON + timedelta(seconds=next(_numbers)),
        campaign_id=of.id,
    )


def settlement(
    of: Campaign, *, base: int, tips: int = 0, kind: SettlementKind = SettlementKind.MAIN
) -> Settlement:
    """Make a settlement document with a fee of 7 % and VAT of 20 % on it."""
    fee = (base * 7 + 50) // 100
    vat = (fee * 20 + 50) // 100
    return Settlement(
        document=document(of),
        campaign=of,
        kind=kind,
        currency="EUR",
        payments_count=1,
        gross_amount=base,
        refunds_amount=0,
        disputes_amount=0,
        base_amount=base,
        fee_rate="0.07",
        fee_amount=fee,
        vat_rate="0.20",
        vat_amount=vat,
        net_amount=base - fee - vat,
        processor_fees_amount=0,
        tips_amount=tips,
    )


def transfer(of: Settlement) -> Transfer:
    """Make the transfer that pays a settlement document."""
    return Transfer(
        public_id=new_public_id("trf"),
        settlement=of,
        campaign=of.campaign,
        document_amount=of.net_amount,
        amount=of.net_amount,
        currency="EUR",
        created_at=NOON,
    )


def dispute(of: Payment, *, funds: int, tip: int = 0, owed: int = 0, loss: int = 0) -> Dispute:
    """Make a dispute of a payment, its amount withdrawn and shared out as given."""
    amount = funds + tip + owed + loss
    return Dispute(
        stripe_dispute_id=f"du_{next(_numbers):08}",
        payment=of,
        campaign_id=of.campaign.id,
        amount=amount,
        currency="EUR",
        status=DisputeStatus.OPENED,
        stage=DisputeStage.BEFORE_VERDICT,
        withdrawn_amount=amount,
        funds_amount=funds,
        tip_amount=tip,
        owed_amount=owed,
        loss_amount=loss,
        opened_at=NOON,
    )


class Books:
    """Keeps objects and posts what they mean, each in a commit of its own."""

    def campaign(self) -> Campaign:
        """Keep a campaign."""
        return self._keep(campaign())

    def charge(self, of: Campaign, *, amount: int = 50_00, tip: int = 0) -> Payment:
        """Keep a payment and book its charge; Stripe keeps 1.5 % and 0.25."""
        made = self._keep(payment(of, amount=amount, tip=tip))
        fee = made.total_amount * 15 // 1000 + 25
        seen = movement(made.total_amount, fee=fee, source=made.stripe_charge_id)
        self.adopt(seen, entries.charge(made, seen))
        with transaction():
            made.processor_fee_amount = fee
            made.available_at = seen.available_at
        return made

    def refund(self, of: Payment, *, funds: int = 0, tip: int = 0) -> Refund:
        """Keep a refund and book it."""
        made = self._keep(refund(of, funds=funds, tip=tip))
        seen = movement(-made.amount, source=made.stripe_refund_id, kind="refund")
        self.adopt(seen, entries.refund(made, seen))
        return made

    def settle(
        self,
        of: Campaign,
        *,
        base: int,
        tips: int = 0,
        kind: SettlementKind = SettlementKind.SUPPLEMENTARY,
    ) -> Settlement:
        """Keep a settlement document, alone in its series, and book it."""
        made = settlement(of, base=base, tips=tips, kind=kind)
        self._keep(DocumentSeries(name=made.document.series, last_number=1))
        self._keep(made)
        draft = entries.settlement(made)
        assert draft is not None
        self.post(draft)
        return made

    def transfer(self, of: Settlement) -> Transfer:
        """Keep the transfer that will pay a document."""
        return self._keep(transfer(of))

    def dispute(self, of: Payment, *, funds: int) -> Dispute:
        """Keep a dispute and book what its bank withdrew."""
        made = self._keep(dispute(of, funds=funds))
        seen = movement(-funds, fee=15_00, source=made.stripe_dispute_id, kind="adjustment")
        self.adopt(seen, entries.dispute_withdrawn(made, seen))
        return made

    def adopt(self, seen: MovementFacts, draft: TransactionDraft) -> int | None:
        """Adopt one movement."""
        with transaction() as session:
            return adopt_movement(session, seen, draft)

    def post(self, draft: TransactionDraft) -> int:
        """Post one transaction."""
        with transaction() as session:
            return post(session, draft)

    def _keep(self, made: Kept) -> Kept:
        with transaction() as session:
            session.add(made)
        return made
