"""What a treasurer does about money after the verdict, in the API; each act is on the record."""

from http import HTTPStatus
from typing import Any

from octo.accounts.current_user import this_user
from octo.errors import N_, ConflictError
from octo.paging import Page, Window
from octo.web.fields import KeySchema
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint
from payments.gateway.runtime import payments_runtime
from payments.models import OwnerDebt, Refund
from payments.owners import debts
from payments.owners.debts import NoDebtError, NotHeldError
from payments.policy import ContestedError
from payments.refunds import failed
from payments.refunds.requests import ActionReusedError
from payments.settlement import refund_all
from payments.settlement.refund_all import PaidAlreadyError
from treasury import after_verdict, queries
from treasury.after_verdict import AfterVerdict
from treasury.permissions import MOVE_MONEY, READ_BOOKS, REFUND_PAYMENTS
from treasury.schemas import (
    AfterVerdictSchema,
    ByBankSchema,
    DebtSchema,
    FailedRefundSchema,
    MaybeReasonSchema,
    MoneyReasonSchema,
    RecoverySchema,
    WaitingRefundSchema,
)

api = ApiBlueprint(
    N_("After the verdict"),
    __name__,
    description=N_("For treasurers: debts of owners, refunds that failed, what cannot be paid."),
)


@api.get("/treasury/campaigns/<campaign_id>/aftermath")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, AfterVerdictSchema)
def read_after_verdict(campaign_id: str) -> AfterVerdict:
    """Read the documents of a campaign, what paid them, and what its owner owes."""
    return _read(campaign_id)


@api.get("/treasury/debts")
@requires(READ_BOOKS)
@api.paged(DebtSchema)
def list_debts(window: Window) -> Page[OwnerDebt]:
    """List what owners still owe, the oldest first."""
    return window.cut(after_verdict.list_debts(window=window))


@api.post("/treasury/campaigns/<campaign_id>/debt/recovery")
@requires(MOVE_MONEY)
@api.refuses(NoDebtError, ActionReusedError)
@api.arguments(KeySchema, location="headers")
@api.arguments(RecoverySchema)
@api.response(HTTPStatus.OK, AfterVerdictSchema)
def recover_debt(headers: dict[str, str], body: dict[str, Any], campaign_id: str) -> AfterVerdict:
    """Take back from the owner's Stripe account an amount of what is owed."""
    runtime = payments_runtime()
    debts.recover_debt(
        campaign_id,
        amount=body["amount"],
        idempotency_key=headers["idempotency_key"],
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return _read(campaign_id)


@api.post("/treasury/campaigns/<campaign_id>/debt/write-off")
@requires(MOVE_MONEY)
@api.refuses(NoDebtError)
@api.arguments(MoneyReasonSchema)
@api.response(HTTPStatus.OK, AfterVerdictSchema)
def write_off_debt(body: dict[str, str], campaign_id: str) -> AfterVerdict:
    """Let the owner off what is owed of a campaign; the platform bears it."""
    runtime = payments_runtime()
    debts.write_off_debt(
        campaign_id,
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return _read(campaign_id)


@api.post("/treasury/campaigns/<campaign_id>/refund-all")
@requires(MOVE_MONEY)
@api.refuses(PaidAlreadyError, ConflictError)
@api.arguments(MoneyReasonSchema)
@api.response(HTTPStatus.OK, AfterVerdictSchema)
def give_all_back(body: dict[str, str], campaign_id: str) -> AfterVerdict:
    """Turn a success that cannot be paid into a failure: every backer gets everything back."""
    runtime = payments_runtime()
    refund_all.refund_all(
        public_id=campaign_id,
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return _read(campaign_id)


@api.post("/treasury/transfers/<transfer_id>/payment")
@requires(MOVE_MONEY)
@api.refuses(NotHeldError)
@api.arguments(MoneyReasonSchema)
@api.response(HTTPStatus.OK, AfterVerdictSchema)
def pay_again(body: dict[str, str], transfer_id: str) -> AfterVerdict:
    """Let what was taken back of a transfer be paid to the owner again."""
    runtime = payments_runtime()
    debts.pay_again(
        transfer_id,
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return _read(after_verdict.get_transfer(transfer_id).campaign.public_id)


@api.get("/treasury/refunds/waiting")
@requires(READ_BOOKS)
@api.paged(WaitingRefundSchema)
def list_waiting_refunds(window: Window) -> Page[Refund]:
    """List the refunds that Stripe keeps waiting for money on the balance, the oldest first."""
    return window.cut(after_verdict.list_waiting_refunds(window=window))


@api.get("/treasury/refunds/<refund_id>")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, FailedRefundSchema)
def get_refund(refund_id: str) -> Refund:
    """Read one refund, and how its backer was paid in the end if it failed."""
    return after_verdict.get_refund(refund_id)


@api.post("/treasury/refunds/<refund_id>/second-try")
@requires(REFUND_PAYMENTS)
@api.refuses(ContestedError, ConflictError)
@api.arguments(MaybeReasonSchema)
@api.response(HTTPStatus.OK, FailedRefundSchema)
def try_refund_again(body: dict[str, str], refund_id: str) -> Refund:
    """Ask Stripe once more for a refund that failed, by a refund of its own."""
    runtime = payments_runtime()
    again = failed.retry_refund(
        refund_id,
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return after_verdict.get_refund(again.public_id)


@api.post("/treasury/refunds/<refund_id>/bank-payment")
@requires(REFUND_PAYMENTS)
@api.refuses(ConflictError)
@api.arguments(ByBankSchema, example={"means": "bank_transfer", "reference": "VIR 2026-12-03 RIOU"})
@api.response(HTTPStatus.OK, FailedRefundSchema)
def record_bank_payment(body: dict[str, Any], refund_id: str) -> Refund:
    """Record that the backer of a refund that failed was paid from the platform's bank."""
    runtime = payments_runtime()
    failed.pay_by_bank(
        refund_id,
        means=body["means"],
        reference=body["reference"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return after_verdict.get_refund(refund_id)


def _read(campaign_id: str) -> AfterVerdict:
    campaign = queries.get_campaign_money(campaign_id).campaign
    return after_verdict.read_after_verdict(campaign.id, at=payments_runtime().clock.now())
