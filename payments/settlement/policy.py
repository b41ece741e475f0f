"""The arithmetic of a settlement: pure functions of what is known."""

from dataclasses import dataclass
from decimal import Decimal

from octo.money import share


@dataclass(frozen=True)
class Figures:
    """The figures of a settlement document, in minor units of one currency."""

    gross_amount: int
    refunds_amount: int
    disputes_amount: int
    base_amount: int
    fee_amount: int
    vat_amount: int
    net_amount: int


def settle(
    *, gross: int, refunds: int, disputes: int, fee_rate: Decimal, vat_rate: Decimal
) -> Figures:
    """Compute what the owner gets: base less the platform's fee and the VAT on it.

    Fee and VAT are each rounded half up; processor fees are the platform's own.
    """
    base = gross - refunds - disputes
    fee = share(base, fee_rate)
    vat = share(fee, vat_rate)
    return Figures(
        gross_amount=gross,
        refunds_amount=refunds,
        disputes_amount=disputes,
        base_amount=base,
        fee_amount=fee,
        vat_amount=vat,
        net_amount=base - fee - vat,
    )


@dataclass(frozen=True)
class Split:
    """How a refund is shared between the campaign's funds, the tip and what is owed already."""

    funds_amount: int
    tip_amount: int
    owed_amount: int = 0


def split_refund(*, amount: int, funds_left: int, tip_left: int) -> Split:
    """Take a refund from the campaign's funds first, then from the tip.

    A partial refund leaves the tip, which the backer gave to the platform, until the last.
    """
    assert 0 < amount <= funds_left + tip_left, "more than is left cannot be split"
    funds = min(amount, funds_left)
    return Split(funds_amount=funds, tip_amount=amount - funds)
