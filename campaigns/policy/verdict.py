"""Whether a campaign stands, and what is to be done about it now; ``docs/collection.md``.

A goal may be made of several resources: money, hours, things. The campaign succeeds when every
one of them is reached, waits while something of any is in flight, and gives all of them back when
one falls short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from campaigns.models import Collection, Outcome


class Step(StrEnum):
    """What is to be done about a campaign now."""

    TAKE_PLEDGES = "take pledges"
    WAIT = "wait"
    COLLECT = "collect"
    SETTLE = "settle"
    GIVE_BACK = "give back"


@dataclass(frozen=True)
class ResourceState:
    """How one resource of a campaign stands when a verdict is asked for.

    ``is_in_flight``: of something promised, the last word is not said. ``is_reached``: what counts
    reaches this resource's part of the goal. ``is_window_open``: what was promised may still come
    in; ``is_short``: what came in is below that part, which the second verdict asks. ``figures``
    are for the record of that verdict and the owner's mail, by name.
    """

    is_in_flight: bool
    is_reached: bool
    is_window_open: bool
    is_short: bool
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class VerdictInputs:
    """All that decides what is to be done about a campaign.

    ``is_in_flight``: of some payment, of some card being saved, or of anything else promised, the
    last word is not said. ``is_window_open``: something promised is neither there nor beyond
    repair; it opens with the first verdict. ``is_collected_short``: what is collected, tips and
    what banks took back excluded, is below the goal.
    """

    collection: Collection
    is_over: bool
    is_canceled: bool
    is_goal_reached: bool
    is_in_flight: bool
    is_window_open: bool
    is_collected_short: bool


def gather_inputs(
    states: Sequence[ResourceState],
    *,
    collection: Collection,
    is_over: bool,
    is_canceled: bool,
    outcome: Outcome | None,
) -> VerdictInputs:
    """Make one question of how all resources stand; a first verdict that was given stands."""
    return VerdictInputs(
        collection=collection,
        is_over=is_over,
        is_canceled=is_canceled,
        is_goal_reached=outcome is not None or all(one.is_reached for one in states),
        is_in_flight=any(one.is_in_flight for one in states),
        is_window_open=any(one.is_window_open for one in states),
        is_collected_short=any(one.is_short for one in states),
    )


def gather_figures(states: Sequence[ResourceState]) -> dict[str, int]:
    """Gather the figures of all resources for the record; each resource names its own."""
    figures = [figure for state in states for figure in state.figures.items()]
    assert len(dict(figures)) == len(figures), "two resources call a figure alike"
    return dict(figures)


def next_step(inputs: VerdictInputs) -> Step:
    """Say what is to be done; ``docs/collection.md`` is the table of this function."""
    if not (inputs.is_over or inputs.is_canceled):
        return Step.TAKE_PLEDGES
    if inputs.is_in_flight:
        return Step.WAIT
    if inputs.is_canceled or not inputs.is_goal_reached:
        return Step.GIVE_BACK
    if inputs.collection is Collection.ON_PLEDGE:
        return Step.SETTLE
    if inputs.is_window_open:
        return Step.COLLECT
    return Step.GIVE_BACK if inputs.is_collected_short else Step.SETTLE


def outcome_of(step: Step, *, is_canceled: bool) -> Outcome | None:
    """Return the verdict that a step gives, or nothing when it gives none."""
    match step:
        case Step.COLLECT | Step.SETTLE:
            return Outcome.SUCCEEDED
        case Step.GIVE_BACK:
            return Outcome.CANCELED if is_canceled else Outcome.FAILED
        case Step.WAIT | Step.TAKE_PLEDGES:
            return None
