"""Check the season's money in the sandbox's own lists, against what was decided here.

Nothing is asked of the ledger: Stripe's objects say what moved, our documents what should have.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.database import reading
from payments.models import (
    ConnectedAccount,
    OwnerDebt,
    Payment,
    Refund,
    Resolution,
    Settlement,
    SettlementKind,
    Transfer,
)
from stripe_sandbox.client import SandboxClient

GIVEN_BACK: Final = (Outcome.FAILED, Outcome.CANCELED)
Json = Any


@dataclass
class Verdict:
    """What was compared, and everything found wrong."""

    charges: int = 0
    refunds: int = 0
    transfers: int = 0
    settlements: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Moved:
    """What Stripe lists: the money that really moved."""

    charges: list[Json]
    refunds: dict[str, list[Json]]
    withdrawn: Counter[str]
    transfers: list[Json]


def verify_season(sandbox: SandboxClient) -> Verdict:
    """Compare every charge, refund and transfer of the account with what was decided."""
    moved = _read_moved(sandbox)
    with reading() as session:
        found = Verdict(
            charges=len(moved.charges),
            refunds=sum(map(len, moved.refunds.values())),
            transfers=len(moved.transfers),
        )
        found.problems += _wrong_charges(session, moved)
        found.problems += _wrong_transfers(session, moved, found)
        found.problems += _unfinished(session)
    return found


def _read_moved(sandbox: SandboxClient) -> Moved:
    refunds: defaultdict[str, list[Json]] = defaultdict(list)
    for refund in sandbox.each("/v1/refunds"):
        if refund["status"] not in {"failed", "canceled"}:
            refunds[refund["charge"]].append(refund)
    paid = [charge for charge in sandbox.each("/v1/charges") if charge["status"] == "succeeded"]
    withdrawn: Counter[str] = Counter()
    for dispute in sandbox.each("/v1/disputes"):
        moves = dispute["balance_transactions"]
        withdrawn[dispute["charge"]] -= sum(move["amount"] for move in moves)
    return Moved(paid, dict(refunds), withdrawn, list(sandbox.each("/v1/transfers")))


def _wrong_charges(session: Session, moved: Moved) -> Iterator[str]:
    """Name each charge without a payment, and each refund that should not be, or is missing."""
    rows = session.execute(
        sa.select(
            Payment.id, Payment.stripe_charge_id, Payment.amount + Payment.tip_amount, Campaign
        )
        .join(Campaign, Payment.campaign_id == Campaign.id)
        .where(Payment.stripe_charge_id.is_not(None))
    )
    payments = {charge_id: (id_, total, campaign) for id_, charge_id, total, campaign in rows}
    asked: defaultdict[int, list[int]] = defaultdict(list)
    otherwise: Counter[int] = Counter()
    decided = sa.select(Refund.payment_id, Refund.amount, Refund.resolution)
    for payment_id, amount, resolution in session.execute(decided):
        asked[payment_id].append(amount)
        if resolution is Resolution.PAID_BY_BANK:
            otherwise[payment_id] += amount
    for charge in moved.charges:
        if charge["id"] not in payments:
            yield f"charge {charge['id']} of {charge['amount']} belongs to no payment"
            continue
        payment_id, total, campaign = payments.pop(charge["id"])
        name = f"charge {charge['id']} of {campaign.slug}"
        if charge["amount"] != total:
            yield f"{name} took {charge['amount']} instead of {total}"
        given = [refund["amount"] for refund in moved.refunds.get(charge["id"], [])]
        elsewhere = moved.withdrawn[charge["id"]] + otherwise[payment_id]
        if campaign.status is CampaignStatus.SETTLED and campaign.outcome in GIVEN_BACK:
            yield from _kept_back(name, charge["amount"], sum(given), elsewhere)
        if Counter(given) - Counter(asked[payment_id]):
            yield f"{name} was refunded {given}, where {asked[payment_id]} was decided"
    yield from (f"charge {charge_id} is unknown to Stripe" for charge_id in payments)


def _kept_back(name: str, charged: int, given: int, elsewhere: int) -> Iterator[str]:
    """Name a charge of which its backer has less again than was taken, or was given more.

    ``elsewhere`` is what the backer's bank took back by a dispute, and what ours paid by hand.
    """
    if given > charged or given + elsewhere < charged:
        yield f"{name} took {charged}, and {given} of it was given back"


def _wrong_transfers(session: Session, moved: Moved, found: Verdict) -> Iterator[str]:
    """Name each settlement not transferred exactly once, and each transfer of none."""
    organisations = session.execute(
        sa.select(ConnectedAccount.organisation_id, ConnectedAccount.stripe_account_id)
    )
    accounts = {row.organisation_id: row.stripe_account_id for row in organisations}
    reversed_here = _reversed(session)
    groups: defaultdict[str, list[Json]] = defaultdict(list)
    for transfer in moved.transfers:
        groups[transfer["transfer_group"]].append(transfer)
        known = reversed_here[transfer["id"]]
        if transfer["amount_reversed"] != known:
            taken = transfer["amount_reversed"]
            yield f"transfer {transfer['id']} was taken back by {taken}, where {known} is known"
    nets: defaultdict[str, list[int]] = defaultdict(list)
    unpaid = set()
    documents = sa.select(Settlement, Campaign).join(
        Campaign, Settlement.campaign_id == Campaign.id
    )
    for document, campaign in session.execute(documents):
        found.settlements += 1
        is_credit = document.kind is SettlementKind.CREDIT_NOTE
        if document.net_amount:
            sign = -1 if is_credit else 1
            nets[campaign.public_id].append(sign * document.net_amount)
        if campaign.status is not CampaignStatus.SETTLED:
            unpaid.add(campaign.public_id)
        destination = accounts.get(campaign.organisation_id)
        yield from _misdirected(groups[campaign.public_id], destination, campaign.slug)
    owed = _owed(session)
    for group in groups.keys() | nets.keys():
        sent = [
            left
            for transfer in groups[group]
            if (left := transfer["amount"] - transfer["amount_reversed"])
        ]
        yield from _wrong_sums(group, nets[group], sent, owed[group], is_paid=group not in unpaid)


def _reversed(session: Session) -> Counter[str]:
    """Return what was taken back of each transfer, as we know it."""
    rows = session.execute(
        sa.select(Transfer.stripe_transfer_id, Transfer.reversed_amount).where(
            Transfer.stripe_transfer_id.is_not(None)
        )
    )
    return Counter({transfer_id: amount for transfer_id, amount in rows if transfer_id})


def _owed(session: Session) -> Counter[str]:
    """Return what each campaign's owner was paid too much, still owes or was let off."""
    rows = session.execute(
        sa.select(Campaign.public_id, OwnerDebt.left_amount + OwnerDebt.written_off_amount).join(
            OwnerDebt, OwnerDebt.campaign_id == Campaign.id
        )
    )
    return Counter(dict(rows.all()))


def _wrong_sums(
    group: str, nets: list[int], sent: list[int], owed: int, *, is_paid: bool
) -> Iterator[str]:
    """Compare transfers with documents one for one, or in sum where one takes from another."""
    if min(nets, default=0) < 0 or owed:
        if is_paid and sum(nets) + owed != sum(sent):
            yield f"campaign {group} is due {sum(nets)} by its documents and was sent {sum(sent)}"
        return
    due, made = Counter(nets), Counter(sent)
    for net in (due - made).elements():
        if is_paid:
            yield f"a settlement of campaign {group} owes {net}, which was never transferred"
    for amount in (made - due).elements():
        yield f"a transfer of {amount} for campaign {group} pays no settlement"


def _misdirected(transfers: Iterable[Json], destination: str | None, slug: str) -> Iterator[str]:
    for transfer in transfers:
        if transfer["destination"] != destination:
            yield f"transfer {transfer['id']} of {slug} went to {transfer['destination']}"


def _unfinished(session: Session) -> Iterator[str]:
    """Name each succeeded campaign that is settled without a document."""
    documented = sa.select(Settlement.campaign_id)
    missing = sa.select(Campaign.slug).where(
        Campaign.status == CampaignStatus.SETTLED,
        Campaign.outcome == Outcome.SUCCEEDED,
        Campaign.id.not_in(documented),
    )
    yield from (
        f"{slug} is settled without a settlement document" for slug in session.scalars(missing)
    )
