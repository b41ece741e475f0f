"""``docs/collection.md`` line by line: the policy says the same, and each line is played."""

import itertools
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Collection, Outcome
from campaigns.policy.verdict import (
    ResourceState,
    Step,
    VerdictInputs,
    gather_inputs,
    next_step,
)
from octo.accounts.models import Membership, User
from octo.config import ROOT
from octo.database import db
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.ledger.balances import balance_of
from payments.models import Settlement
from stripe_sandbox.client import VISA, SandboxClient
from tests.make import PASSWORD, Make
from tests.visitor import Visitor

DECLINED_LATER: Final = "4000000000000341"
ANY: Final = "—"
DAYS: Final = 20
OTHER_STEPS: Final = {
    Step.TAKE_PLEDGES: (CampaignStatus.LIVE, None),
    Step.WAIT: (CampaignStatus.CLOSING, None),
    Step.COLLECT: (CampaignStatus.COLLECTING, Outcome.SUCCEEDED),
}

pytestmark = pytest.mark.dates


@dataclass(frozen=True)
class Line:
    """One line of the table, cell by cell as written."""

    collection: str
    is_over: str
    is_canceled: str
    is_goal_reached: str
    is_in_flight: str
    is_window_open: str
    is_short: str
    then: str

    @property
    def cases(self) -> Iterator[tuple[object, ...]]:
        """Every case that this line speaks of."""
        cells = astuple(self)[:-1]
        booleans = {"yes": (True,), "no": (False,), ANY: (True, False)}
        yield from itertools.product(self.collections, *(booleans[cell] for cell in cells[1:]))

    @property
    def collections(self) -> tuple[Collection, ...]:
        named = tuple(one for one in Collection if self.collection == f"`{one.value}`")
        return named or tuple(Collection)


def read_lines() -> list[Line]:
    """Read the table of the document, line by line."""
    section = (Path(ROOT) / "docs" / "collection.md").read_text().split("\n## The table\n")[1]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [Line(*(cell.strip() for cell in row.strip("|").split("|"))) for row in rows]


def _plays() -> Iterator[object]:
    for number, line in enumerate(read_lines(), start=1):
        for collection in line.collections:
            yield pytest.param(line, collection, id=f"{number}-{collection.value}-{line.then}")


def test_the_lines_cover_every_case_once_and_the_policy_says_the_same() -> None:
    written = [(case, line.then) for line in read_lines() for case in line.cases]

    assert len(written) == len({case for case, _ in written}) == 2**7
    for case, then in written:
        assert next_step(VerdictInputs(*case)) == then, case  # type: ignore[arg-type]  # as written


def test_two_resources_are_judged_by_the_same_lines() -> None:
    then = {case: line.then for line in read_lines() for case in line.cases}
    either = (True, False)
    states = list(
        itertools.starmap(ResourceState, itertools.product(either, either, either, either))
    )

    for money, hours in itertools.product(states, repeat=2):
        for collection, is_over, is_canceled in itertools.product(
            Collection, (True, False), (True, False)
        ):
            inputs = gather_inputs(
                [money, hours],
                collection=collection,
                is_over=is_over,
                is_canceled=is_canceled,
                outcome=None,
            )
            case = (
                collection,
                is_over,
                is_canceled,
                money.is_reached and hours.is_reached,
                money.is_in_flight or hours.is_in_flight,
                money.is_window_open or hours.is_window_open,
                money.is_short or hours.is_short,
            )
            assert next_step(inputs) == then[case], case


def test_a_first_verdict_stands_whatever_is_promised_since() -> None:
    less = ResourceState(is_in_flight=False, is_reached=False, is_window_open=True, is_short=False)

    inputs = gather_inputs(
        [less],
        collection=Collection.ON_SUCCESS,
        is_over=True,
        is_canceled=False,
        outcome=Outcome.SUCCEEDED,
    )

    assert next_step(inputs) is Step.COLLECT


class Play:
    """One line of the table, played from the pages on."""

    def __init__(self, line: Line, collection: Collection, make: Make, client: Visitor) -> None:
        self.line = line
        self.make = make
        self.client = client
        goal = {"no": 1_000_00}.get(line.is_goal_reached, 100_00)
        self.campaign = make.live_campaign(
            goal=50_00 if line.is_short == "no" else goal, days=DAYS, collection=collection
        )

    def pledge(self) -> None:
        """Pledge 110 €, of which 50 € will be declined where there is a window to repair it."""
        has_window = self.line.is_window_open != ANY
        self.make.pledge(self.campaign, 60_00, tip=2_00)
        self.make.pledge(self.campaign, 50_00, card=DECLINED_LATER if has_window else VISA)

    def leave_a_page_open(self) -> None:
        """Leave a page open of which Stripe does not say what became."""
        self.make.open_checkout(self.make.pending_pledge(self.campaign, 20_00))
        self.make.moment.sandbox.fault(
            method="POST", path="/v1/checkout/sessions/*/expire", action="drop_before", times=0
        )

    def cancel(self) -> None:
        """Call the campaign off, as one of its owners."""
        statement = sa.select(User).join(Membership, Membership.user_id == User.id)
        owner = db.session.scalars(
            statement.where(Membership.organisation_id == self.campaign.organisation_id)
        ).one()
        self.client.sign_in(owner.email, PASSWORD)
        page = f"/owner/campaigns/{self.campaign.public_id}"
        self.client.submit(page, {"reason": "The boat sank"}, form="/cancel")

    def run(self) -> Campaign:
        """Play the line, and return what became of the campaign."""
        self.pledge()
        self.make.moment.advance(days=DAYS, hours=-0.2)
        if self.line.is_in_flight == "yes":
            self.leave_a_page_open()
        if self.line.is_canceled == "yes":
            self.cancel()
        if self.line.is_over == "yes":
            self.make.moment.advance(hours=0.3)
        self.make.work()
        if self.line.is_window_open == "no":
            self.make.moment.advance(days=8)
            self.make.work()
        db.session.expire_all()
        return db.session.get_one(Campaign, self.campaign.id)


@pytest.mark.slow
@pytest.mark.parametrize(("line", "collection"), list(_plays()))
def test_the_line_played_from_the_pages_to_the_ledger(
    line: Line, collection: Collection, make: Make, client: Visitor, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)

    campaign = Play(line, collection, make, client).run()

    charges, refunds = sandbox.every("/v1/charges"), sandbox.every("/v1/refunds")
    paid = {one["id"]: one["amount"] for one in charges if one["paid"]}
    step = Step(line.then)
    if step is Step.GIVE_BACK:
        canceled = Outcome.CANCELED if line.is_canceled == "yes" else Outcome.FAILED
        assert (campaign.status, campaign.outcome) == (CampaignStatus.SETTLED, canceled)
        assert {one["charge"]: one["amount"] for one in refunds} == paid
        assert balance_of(chart.campaign_funds(campaign)) == 0
    elif step is Step.SETTLE:
        gross = 60_00 if line.is_window_open == "no" else 110_00
        document = db.session.scalars(sa.select(Settlement)).one()
        assert (campaign.outcome, document.gross_amount) == (Outcome.SUCCEEDED, gross)
        assert campaign.pledged_amount == gross
        assert balance_of(chart.campaign_funds(campaign)) == 0
        assert balance_of(chart.PLATFORM_FEES) == -document.fee_amount
        assert refunds == []
    else:
        assert (campaign.status, campaign.outcome) == OTHER_STEPS[step]
        assert refunds == []
    assert check_ledger(db.session()).faults == ()
