"""The terms a campaign runs under: written on it at its launch, and no setting's from then on.

Before its launch, and on one that code of an older release has launched, nothing is written yet:
what is in force applies.
"""

from dataclasses import replace

from campaigns.models import Campaign
from campaigns.policy.launch import longest_run
from campaigns.ports import TermsView
from campaigns.settings import Rules


def write_terms(campaign: Campaign, terms: TermsView, *, rules: Rules) -> None:
    """Write on a campaign what is in force as it is launched."""
    campaign.fee_rate = str(terms.platform_fee_rate)
    campaign.vat_rate = str(terms.vat_rate)
    campaign.repair_days = terms.repair_days
    campaign.longest_days = run_limit(campaign, rules)
    campaign.cancel_locked_hours = rules.cancel_locked_hours
    campaign.outage_extension_hours = rules.outage_extension_hours


def rules_of(campaign: Campaign, rules: Rules) -> Rules:
    """Return the rules of a campaign: those in force, but for what is written on it."""
    longest, locked = campaign.longest_days, campaign.cancel_locked_hours
    outage = campaign.outage_extension_hours
    if longest is None or locked is None or outage is None:
        return rules
    return replace(
        rules,
        on_pledge_longest_days=longest,
        on_success_longest_days=longest,
        cancel_locked_hours=locked,
        outage_extension_hours=outage,
    )


def run_limit(campaign: Campaign, rules: Rules) -> int:
    """Return how many days a campaign may run in all, its extension included."""
    own = rules_of(campaign, rules)
    return longest_run(
        campaign.collection,
        on_pledge_days=own.on_pledge_longest_days,
        on_success_days=own.on_success_longest_days,
    )
