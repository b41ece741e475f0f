"""The arithmetic after a settlement: whatever happens, the documents' sum is exact to the cent."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo.money import share
from payments import policy
from payments.policy import Figures, compute_figures, share_with_owner, take_from_owner

FEE: Final = Decimal("0.07")
VAT: Final = Decimal("0.20")
AMOUNTS: Final = st.integers(1, 500)
STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["refund", "withdraw", "win", "send", "reverse", "write_off"]), AMOUNTS
    ),
    max_size=40,
)

pytestmark = pytest.mark.dates


@dataclass
class Owner:
    """One campaign after its settlement, and what its owner has, is due and owes."""

    gross: int
    refunds: int = 0
    disputes: int = 0
    documents: list[Figures] = field(default_factory=list)
    has: int = 0
    unsent: int = 0
    debt: int = 0
    written_off: int = 0

    def now(self) -> Figures:
        return compute_figures(
            gross=self.gross,
            refunds=self.refunds,
            disputes=self.disputes,
            fee_rate=FEE,
            vat_rate=VAT,
        )

    def said(self) -> Figures:
        total = Figures()
        for one in self.documents:
            total = total - (Figures() - one)
        return total

    def follow(self) -> None:
        """Issue the document that is missing, and use or take its net."""
        document = self.now() - self.said()
        if document.is_nothing:
            return
        self.documents.append(document)
        self.use(document.net_amount)

    def use(self, net: int) -> None:
        if net >= 0:
            shares = share_with_owner(net, debt=self.debt, written_off=self.written_off)
            self.debt -= shares.debt_amount
            self.written_off -= shares.loss_amount
            self.unsent += shares.due_amount
        else:
            taking = take_from_owner(-net, unsent=self.unsent)
            self.unsent -= taking.unsent_amount
            self.debt += taking.debt_amount

    def step(self, what: str, amount: int) -> None:
        left = self.gross - self.refunds - self.disputes
        match what:
            case "refund":
                self.refunds += min(amount, left)
            case "withdraw":
                self.disputes += min(amount, left)
            case "win":
                self.disputes -= min(amount, self.disputes)
            case "send":
                self.has, self.unsent = self.has + self.unsent, 0
            case "reverse":
                back = min(amount, self.has)
                self.has -= back
                self.use(back)
            case "write_off":
                self.written_off, self.debt = self.written_off + self.debt, 0
        self.follow()


@given(gross=st.integers(1, 2_000), steps=STEPS)
def test_no_history_of_refunds_and_disputes_loses_a_cent(
    gross: int, steps: list[tuple[str, int]]
) -> None:
    owner = Owner(gross=gross)
    owner.follow()

    for what, amount in steps:
        owner.step(what, amount)

        base = owner.gross - owner.refunds - owner.disputes
        fee = share(base, FEE)
        assert owner.said().net_amount == base - fee - share(fee, VAT)
        assert owner.said().base_amount == base
        assert owner.said().net_amount == (
            owner.has + owner.unsent - owner.debt - owner.written_off
        )
        assert min(owner.unsent, owner.debt + owner.written_off) == 0
        assert min(owner.unsent, owner.debt, owner.written_off, owner.has) >= 0


@given(base=st.integers(1, 10**9), back=st.integers(1, 10**9))
def test_a_credit_note_is_the_fee_of_before_less_the_fee_of_after(base: int, back: int) -> None:
    back = min(back, base)

    def figures(refunds: int) -> Figures:
        return compute_figures(gross=base, refunds=refunds, disputes=0, fee_rate=FEE, vat_rate=VAT)

    note = figures(back) - figures(0)

    assert -note.fee_amount == share(base, FEE) - share(base - back, FEE)
    assert note.base_amount == -back
    assert note.is_credit


@given(
    withdrawn=st.integers(0, 10**6),
    funds=st.integers(0, 10**6),
    tip=st.integers(0, 10**6),
    owed=st.integers(0, 10**6),
)
def test_a_dispute_is_shared_out_to_the_cent(
    withdrawn: int, funds: int, tip: int, owed: int
) -> None:
    shares = policy.share_dispute(
        withdrawn=withdrawn, funds_left=funds, tip_left=tip, owed_left=owed
    )

    parts = (shares.funds_amount, shares.tip_amount, shares.owed_amount, shares.loss_amount)
    assert sum(parts) == withdrawn
    assert min(parts) >= 0
    assert shares.funds_amount <= funds
    assert shares.tip_amount <= tip
    assert shares.owed_amount <= owed
    assert shares.loss_amount == max(withdrawn - funds - tip - owed, 0)


@pytest.mark.parametrize(
    ("amounts", "most", "chosen"),
    [
        ([20, 30], 50, {0, 1}),
        ([20, 30], 40, {0}),
        ([30, 20], 20, {1}),
        ([5], 4, set()),
        ([], 9, set()),
    ],
)
def test_only_whole_amounts_that_fit_are_chosen(
    amounts: list[int], most: int, chosen: set[int]
) -> None:
    assert policy.fitting(amounts, most=most) == chosen
