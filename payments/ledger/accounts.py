"""Accounts: what a kind of account is, and how an account's code is built and read.

A code is a kind (``stripe_balance``) or a kind and whom it is kept for
(``campaign_funds:cmp_…``). Kinds are declared above, each with ``register``: this package
knows by name only the one that Stripe's movements change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOVED_BY_STRIPE: Final = "stripe_balance"
"""The account whose every change is one of Stripe's movements, to the cent."""


class Side(StrEnum):
    """The side on which an account normally stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class Category(StrEnum):
    """What an account is, in assets = liabilities + income - expenses + equity."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def normal_side(self) -> Side:
        """Return the side on which accounts of this category grow."""
        return Side.DEBIT if self in {Category.ASSET, Category.EXPENSE} else Side.CREDIT


class Column(StrEnum):
    """The column of a campaign's statement in which an account shows."""

    NET = "net"
    TIP = "tip"
    PROCESSOR_FEE = "processor_fee"
    PLATFORM_FEE = "platform_fee"
    VAT = "vat"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whom accounts are kept for; ``id_prefix`` begins the public ids of those there are many of.

    Without one there is a single keeper, which an account's code does not name.
    """

    name: str
    id_prefix: str | None = None

    def is_named_by(self, subject: str) -> bool:
        """Say whether this, behind an account's kind, is one of these keepers."""
        if self.id_prefix is None:
            return not subject
        return subject.startswith(f"{self.id_prefix}_")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKind:
    """One line of the chart, with its number in the French charts of accounts.

    ``pcg_number`` stands in the general chart (*plan comptable général*), ``pca_number`` in
    that of associations. ``label`` is a sentence to be translated. What ``is_owed_from_stripe``
    must lie on the Stripe balance; what ``is_guarded`` may not go below zero on its normal side.
    """

    name: str
    label: str
    category: Category
    keeper: Keeper
    pcg_number: str
    pca_number: str
    column: Column | None = None
    is_owed_from_stripe: bool = False
    is_guarded: bool = False

    @property
    def normal_side(self) -> Side:
        """Return the side on which this account normally stands."""
        return self.category.normal_side


_KINDS: Final[dict[str, AccountKind]] = {}


def register(kind: AccountKind) -> AccountKind:
    """Add a kind to the chart: each name is declared once."""
    assert kind.name not in _KINDS, f"{kind.name} is in the chart already"
    _KINDS[kind.name] = kind
    return kind


def iter_kinds() -> Iterator[AccountKind]:
    """Give every kind there is, in the order of their declarations."""
    return iter(tuple(_KINDS.values()))


def get_kind(account: str) -> AccountKind:
    """Return the line of the chart an account stands on; ``KeyError`` when it has none."""
    if kind := find_kind(account):
        return kind
    raise KeyError(account)


def find_kind(account: str) -> AccountKind | None:
    """Return the line of the chart an account stands on, or nothing for what is no account."""
    name, colon, subject = account.partition(":")
    kind = _KINDS.get(name)
    if kind is None or bool(colon) != bool(subject):
        return None
    return kind if kind.keeper.is_named_by(subject) else None
