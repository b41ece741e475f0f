"""What a comparison yields: how Stripe and these books differ, with both sides of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class DifferenceKind(StrEnum):
    """How Stripe and these books may differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERENT = "different"
    MISBOOKED = "misbooked"
    CHARGE_MISSING_HERE = "charge_missing_here"
    CHARGE_MISSING_THERE = "charge_missing_there"
    CHARGE_DIFFERENT = "charge_different"
    CHARGED_TWICE = "charged_twice"
    REFUND_MISSING_HERE = "refund_missing_here"
    REFUND_MISSING_THERE = "refund_missing_there"
    REFUND_DIFFERENT = "refund_different"
    REFUNDED_TWICE = "refunded_twice"
    TRANSFER_MISSING_HERE = "transfer_missing_here"
    TRANSFER_MISSING_THERE = "transfer_missing_there"
    TRANSFER_DIFFERENT = "transfer_different"
    TRANSFERRED_TWICE = "transferred_twice"
    DISPUTE_MISSING_HERE = "dispute_missing_here"
    DISPUTE_MISSING_THERE = "dispute_missing_there"
    DISPUTE_DIFFERENT = "dispute_different"
    ATTEMPT_MISSING = "attempt_missing"
    BALANCE_DIFFERENT = "balance_different"
    BOOKS_BROKEN = "books_broken"
    FORGOTTEN = "forgotten"


DOCUMENT_NUMBER: Final = "document number"
OBJECTS_MISSING_HERE: Final = frozenset(
    {
        DifferenceKind.CHARGE_MISSING_HERE,
        DifferenceKind.REFUND_MISSING_HERE,
        DifferenceKind.TRANSFER_MISSING_HERE,
        DifferenceKind.DISPUTE_MISSING_HERE,
        DifferenceKind.CHARGED_TWICE,
        DifferenceKind.REFUNDED_TWICE,
        DifferenceKind.TRANSFERRED_TWICE,
        DifferenceKind.FORGOTTEN,
    }
)


@dataclass(frozen=True)
class Difference:
    """One thing on which Stripe and these books do not agree, and both sides of it.

    ``occurred_at`` is Stripe's ``created``. ``source`` is the Stripe object to ask about: what
    happened there may only be news, and taking it in ends the difference.
    """

    kind: DifferenceKind
    subject: str
    campaign_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    source: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return what a difference is known by from one comparison to the next."""
        return self.kind.value, self.subject


@dataclass
class Comparison:
    """What was compared, and every difference; amounts in minor units, by currency."""

    is_whole: bool
    stripe_count: int = 0
    kept_count: int = 0
    stripe_net: dict[str, int] = field(default_factory=dict)
    kept_net: dict[str, int] = field(default_factory=dict)
    taken_in: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    explained_count: int = 0
    newest: datetime | None = None

    @property
    def forgotten(self) -> list[Difference]:
        """Return what Stripe did for us and these books know nothing of."""
        return [one for one in self.differences if one.kind is DifferenceKind.FORGOTTEN]

    def summary(self) -> str:
        """Say in one line what was compared and how it ended."""
        news = f", {len(self.taken_in)} learned just now" if self.taken_in else ""
        known = f" ({self.explained_count} more are explained)" if self.explained_count else ""
        return (
            f"{self.stripe_count} movements at Stripe, {self.kept_count} here{news}: "
            f"{len(self.differences) or 'no'} differences{known}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON can carry it."""
        return {
            "is_whole": self.is_whole,
            "stripe_count": self.stripe_count,
            "kept_count": self.kept_count,
            "stripe_net": self.stripe_net,
            "kept_net": self.kept_net,
            "taken_in": self.taken_in,
            "explained_count": self.explained_count,
            "differences": [
                {"kind": one.kind.value, "subject": one.subject, "details": one.details}
                for one in self.differences
            ],
        }


def plain(**facts: object) -> dict[str, Any]:
    """Return one side of a difference as JSON can carry it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in facts.items()
    }


def two_sides(stripe: Mapping[str, object], here: Mapping[str, object]) -> dict[str, Any]:
    """Return both sides, cut down to what they do not agree on."""
    names = [name for name in stripe if stripe[name] != here[name]]
    return {
        "stripe": plain(**{name: stripe[name] for name in names}),
        "here": plain(**{name: here[name] for name in names}),
    }
