"""The chart of accounts of Octo, and the only place where an account's code is built."""

from typing import Final, Protocol

from octo.errors import N_
from payments.ledger.accounts import (
    MOVED_BY_STRIPE,
    AccountKind,
    Category,
    Column,
    Keeper,
    register,
)


class HasPublicId(Protocol):
    """What an account may be kept for: a campaign, or an owner's organisation."""

    @property
    def public_id(self) -> str: ...


PLATFORM: Final = Keeper("platform")
CAMPAIGN: Final = Keeper("campaign", id_prefix="cmp")
OWNER: Final = Keeper("owner", id_prefix="org")

register(
    AccountKind(
        name="stripe_balance",
        label=N_("Stripe balance"),
        category=Category.ASSET,
        keeper=PLATFORM,
        pcg_number="5121",
        pca_number="5121",
    )
)
register(
    AccountKind(
        name="bank",
        label=N_("Bank"),
        category=Category.ASSET,
        keeper=PLATFORM,
        pcg_number="512",
        pca_number="512",
    )
)
register(
    AccountKind(
        name="payouts_in_transit",
        label=N_("Payouts in transit"),
        category=Category.ASSET,
        keeper=PLATFORM,
        pcg_number="580",
        pca_number="580",
    )
)
register(
    AccountKind(
        name="disputed",
        label=N_("Disputed amounts"),
        category=Category.ASSET,
        keeper=CAMPAIGN,
        pcg_number="4687",
        pca_number="4687",
    )
)
register(
    AccountKind(
        name="owner_debt",
        label=N_("Owner's debt"),
        category=Category.ASSET,
        keeper=OWNER,
        pcg_number="411",
        pca_number="411",
        column=Column.NET,
    )
)
register(
    AccountKind(
        name="campaign_funds",
        label=N_("Campaign's funds"),
        category=Category.LIABILITY,
        keeper=CAMPAIGN,
        pcg_number="4681",
        pca_number="4672",
        column=Column.NET,
        is_owed_from_stripe=True,
    )
)
register(
    AccountKind(
        name="tips_held",
        label=N_("Tips held"),
        category=Category.LIABILITY,
        keeper=CAMPAIGN,
        pcg_number="4688",
        pca_number="4688",
        column=Column.TIP,
        is_owed_from_stripe=True,
    )
)
register(
    AccountKind(
        name="owner_payable",
        label=N_("Due to the owner"),
        category=Category.LIABILITY,
        keeper=CAMPAIGN,
        pcg_number="4681",
        pca_number="4672",
        column=Column.NET,
        is_owed_from_stripe=True,
    )
)
register(
    AccountKind(
        name="refunds_owed",
        label=N_("Refunds owed to backers"),
        category=Category.LIABILITY,
        keeper=CAMPAIGN,
        pcg_number="4686",
        pca_number="4686",
        is_owed_from_stripe=True,
    )
)
register(
    AccountKind(
        name="vat_collected",
        label=N_("VAT collected"),
        category=Category.LIABILITY,
        keeper=PLATFORM,
        pcg_number="44571",
        pca_number="44571",
        column=Column.VAT,
    )
)
register(
    AccountKind(
        name="operator_float",
        label=N_("Operator's float"),
        category=Category.EQUITY,
        keeper=PLATFORM,
        pcg_number="580",
        pca_number="580",
    )
)
register(
    AccountKind(
        name="platform_fees",
        label=N_("Platform fees earned"),
        category=Category.INCOME,
        keeper=PLATFORM,
        pcg_number="7082",
        pca_number="7082",
        column=Column.PLATFORM_FEE,
    )
)
register(
    AccountKind(
        name="tips",
        label=N_("Tips earned"),
        category=Category.INCOME,
        keeper=PLATFORM,
        pcg_number="7088",
        pca_number="75411",
    )
)
register(
    AccountKind(
        name="processor_fees",
        label=N_("Processor fees borne"),
        category=Category.EXPENSE,
        keeper=PLATFORM,
        pcg_number="6278",
        pca_number="6278",
        column=Column.PROCESSOR_FEE,
    )
)
register(
    AccountKind(
        name="dispute_losses",
        label=N_("Losses on disputes"),
        category=Category.EXPENSE,
        keeper=PLATFORM,
        pcg_number="6541",
        pca_number="6541",
    )
)

STRIPE_BALANCE: Final = MOVED_BY_STRIPE
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
