"""What may rightly happen to money is no problem of a season's; what may not is one."""

from collections.abc import Callable
from typing import Final

import pytest

from demo.verification import verify_season
from stripe_sandbox.client import SandboxClient
from tests.campaigns.pledges.test_receipt_states import (
    by_hand,
    contested,
    live,
    over,
    paid_by_bank,
    reached,
    visitor,
)
from tests.make import Make
from tests.obligations import AVAILABLE_AT_ONCE, contest, judge, sign_in_as_treasurer
from tests.payments.owners.test_debts import act, paid_and_contested
from tests.payments.refunds.test_failed import failed_later


def lost_before_a_failure(make: Make) -> None:
    over(make, contested(make, make.pledge(live(make, goal=900_00), 30_00, tip=1_00), "lose"))


def lost_in_part_before_a_failure(make: Make) -> None:
    pledge = make.pledge(live(make, goal=900_00), 30_00)
    over(make, contested(make, pledge, "lose", amount=10_00))


def won_after_a_failure(make: Make) -> None:
    pledge = make.pledge(live(make, goal=900_00), 30_00)
    dispute = contest(make.moment.sandbox, make.payment(pledge).stripe_charge_id)
    make.work()
    over(make, pledge)
    judge(make.moment.sandbox, dispute, "win")
    make.work()


def refunded_in_two_parts(make: Make) -> None:
    over(make, by_hand(make, make.pledge(live(make, goal=900_00), 30_00), 10_00))


def paid_from_our_bank(make: Make) -> None:
    paid_by_bank(make)


def tried_again(make: Make) -> None:
    _, page = failed_later(make, make.moment, make.moment.sandbox)
    treasurer = visitor(make)
    sign_in_as_treasurer(make, treasurer)
    treasurer.submit(page, form="/try-again")
    make.work()


def debt_taken_back(make: Make) -> None:
    campaign, _ = paid_and_contested(make, make.moment, make.moment.sandbox)
    treasurer = visitor(make)
    sign_in_as_treasurer(make, treasurer)
    act(treasurer, campaign, "recover", amount="73,28")
    make.work()


def debt_written_off(make: Make) -> None:
    campaign, _ = paid_and_contested(make, make.moment, make.moment.sandbox)
    treasurer = visitor(make)
    sign_in_as_treasurer(make, treasurer)
    act(treasurer, campaign, "write-off")


RIGHT: Final[tuple[Callable[[Make], None], ...]] = (
    lost_before_a_failure,
    lost_in_part_before_a_failure,
    won_after_a_failure,
    refunded_in_two_parts,
    paid_from_our_bank,
    tried_again,
    debt_taken_back,
    debt_written_off,
)


@pytest.mark.parametrize("story", RIGHT, ids=lambda story: story.__name__)
def test_what_the_engine_knows_is_no_problem(
    make: Make, sandbox: SandboxClient, story: Callable[[Make], None]
) -> None:
    story(make)

    assert verify_season(sandbox).problems == []


def test_a_transfer_taken_back_behind_our_back_is_named(make: Make, sandbox: SandboxClient) -> None:
    campaign = reached(make, live(make))
    make.pledge(campaign, 40_00, card=AVAILABLE_AT_ONCE)
    make.moment.advance(days=21)
    make.work()
    (transfer,) = sandbox.every("/v1/transfers")
    sandbox.call_stripe(f"/v1/transfers/{transfer['id']}/reversals", amount=1_00)

    (problem, *_) = verify_season(sandbox).problems

    assert f"{transfer['id']} was taken back by 100, where 0 is known" in problem
