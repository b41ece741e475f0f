"""Who gets what of a pledge, said in one line before it is paid and after."""

from typing import Final

from flask_babel import gettext

from campaigns.models import Campaign
from campaigns.ports import bound_payments
from octo.errors import N_
from octo.web.filters import money_text, rate

_NOTHING_KEPT: Final = N_(
    "If the goal is reached, all of it goes to the campaign: the platform keeps nothing."
)
_FEE_ALONE: Final = N_(
    "If the goal is reached, %(owner)s of it goes to the campaign, and the platform keeps its fee "
    "of %(fee)s."
)
_FEE_AND_VAT: Final = N_(
    "If the goal is reached, %(owner)s of it goes to the campaign, and the platform keeps "
    "%(kept)s: its fee of %(fee)s, and %(vat)s VAT on that fee."
)
_NOTHING_KEPT_OF: Final = N_("All of it is for the campaign.")
_FEE_ALONE_OF: Final = N_(
    "%(owner)s is for the campaign, %(kept)s for the platform: its fee of %(fee)s."
)
_FEE_AND_VAT_OF: Final = N_(
    "%(owner)s is for the campaign, %(kept)s for the platform: its fee of %(fee)s, and %(vat)s "
    "VAT on that fee."
)


def say_rates(campaign: Campaign) -> str:
    """Return how the campaign and the platform share what is pledged if the goal is reached."""
    terms = bound_payments().view_terms(campaign)
    fee, vat = terms.platform_fee_rate, terms.vat_rate
    kept = fee * (1 + vat)
    sentence = _NOTHING_KEPT if not fee else _FEE_AND_VAT if vat else _FEE_ALONE
    facts = {"owner": 1 - kept, "kept": kept, "fee": fee, "vat": vat}
    return str(gettext(sentence, **{name: rate(share) for name, share in facts.items()}))


def say_shares(campaign: Campaign, amount: int) -> str:
    """Return who gets what of an amount, in minor units, as the settlement will share it."""
    if not amount:
        return ""
    terms = bound_payments().view_terms(campaign)
    shares = bound_payments().share_out(campaign, amount)
    kept = shares.fee_amount + shares.vat_amount
    with_fee = _FEE_AND_VAT_OF if shares.vat_amount else _FEE_ALONE_OF
    return str(
        gettext(
            with_fee if kept else _NOTHING_KEPT_OF,
            owner=money_text(shares.owner_amount, campaign.currency),
            kept=money_text(kept, campaign.currency),
            fee=rate(terms.platform_fee_rate),
            vat=rate(terms.vat_rate),
        )
    )
