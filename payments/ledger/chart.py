"""The chart of accounts: the only place where an account's code is built or read.

A code is a kind (``stripe_balance``) or a kind and whom it is kept for
(``campaign_funds:cmp_…``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol


class HasPublicId(Protocol):
    """What an account may be kept for: a campaign, or an owner's organisation."""

    @property
    def public_id(self) -> str: ...


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


class Keeper(StrEnum):
    """Whom an account is kept for: the platform itself, one campaign or one owner."""

    PLATFORM = "platform"
    CAMPAIGN = "campaign"
    OWNER = "owner"


@dataclass(frozen=True)
class AccountKind:
    """One line of the chart, with its number in the French charts of accounts.

    ``pcg_number`` stands in the general chart (*plan comptable général*), ``pca_number`` in
    that of associations.
    """

    name: str
    category: Category
    keeper: Keeper
    pcg_number: str
    pca_number: str

    @property
    def normal_side(self) -> Side:
        """Return the side on which this account normally stands."""
        return self.category.normal_side


def _kinds(*lines: tuple[str, Category, Keeper, str, str]) -> Mapping[str, AccountKind]:
    return MappingProxyType({line[0]: AccountKind(*line) for line in lines})


CHART: Final = _kinds(
    ("stripe_balance", Category.ASSET, Keeper.PLATFORM, "5121", "5121"),
    ("bank", Category.ASSET, Keeper.PLATFORM, "512", "512"),
    ("payouts_in_transit", Category.ASSET, Keeper.PLATFORM, "580", "580"),
    ("disputed", Category.ASSET, Keeper.CAMPAIGN, "4687", "4687"),
    ("owner_debt", Category.ASSET, Keeper.OWNER, "411", "411"),
    ("campaign_funds", Category.LIABILITY, Keeper.CAMPAIGN, "4681", "4672"),
    ("tips_held", Category.LIABILITY, Keeper.CAMPAIGN, "4688", "4688"),
    ("owner_payable", Category.LIABILITY, Keeper.CAMPAIGN, "4681", "4672"),
    ("refunds_owed", Category.LIABILITY, Keeper.CAMPAIGN, "4686", "4686"),
    ("vat_collected", Category.LIABILITY, Keeper.PLATFORM, "44571", "44571"),
    ("operator_float", Category.EQUITY, Keeper.PLATFORM, "580", "580"),
    ("platform_fees", Category.INCOME, Keeper.PLATFORM, "7082", "7082"),
    ("tips", Category.INCOME, Keeper.PLATFORM, "7088", "75411"),
    ("processor_fees", Category.EXPENSE, Keeper.PLATFORM, "6278", "6278"),
    ("dispute_losses", Category.EXPENSE, Keeper.PLATFORM, "6541", "6541"),
)

STRIPE_BALANCE: Final = "stripe_balance"
BANK: Final = "bank"
PAYOUTS_IN_TRANSIT: Final = "payouts_in_transit"
VAT_COLLECTED: Final = "vat_collected"
OPERATOR_FLOAT: Final = "operator_float"
PLATFORM_FEES: Final = "platform_fees"
TIPS: Final = "tips"
PROCESSOR_FEES: Final = "processor_fees"
DISPUTE_LOSSES: Final = "dispute_losses"


def campaign_funds(campaign: HasPublicId) -> str:
    """Return the account of what a campaign holds for its backers or its owner."""
    return f"campaign_funds:{campaign.public_id}"


def tips_held(campaign: HasPublicId) -> str:
    """Return the account of the tips that become ours only if the campaign succeeds."""
    return f"tips_held:{campaign.public_id}"


def owner_payable(campaign: HasPublicId) -> str:
    """Return the account of what a settled campaign's owner is still to be paid."""
    return f"owner_payable:{campaign.public_id}"


def refunds_owed(campaign: HasPublicId) -> str:
    """Return the account of money that belongs to backers and is on its way back to them."""
    return f"refunds_owed:{campaign.public_id}"


def disputed(campaign: HasPublicId) -> str:
    """Return the account of what banks took back and have not yet judged."""
    return f"disputed:{campaign.public_id}"


def owner_debt(organisation: HasPublicId) -> str:
    """Return the account of what an owner must give back."""
    return f"owner_debt:{organisation.public_id}"


def kind_of(account: str) -> AccountKind:
    """Return the line of the chart an account stands on; ``KeyError`` when it has none."""
    if kind := find_kind(account):
        return kind
    raise KeyError(account)


def find_kind(account: str) -> AccountKind | None:
    """Return the line of the chart an account stands on, or nothing for what is no account."""
    name, _, subject = account.partition(":")
    kind = CHART.get(name)
    is_platform = kind is not None and kind.keeper is Keeper.PLATFORM
    return None if is_platform == bool(subject) else kind
