"""What counts towards a goal: the one sum that pages show, verdicts judge and documents state."""

from campaigns.models import CampaignStatus, Outcome


def what_counts(*, pledged: int, refunded: int, withdrawn: int) -> int:
    """Return what counts of pledges, in minor units; tips are in none of the amounts.

    ``pledged`` has shipping in it. ``refunded`` goes back to backers, whole pledges or parts, by
    us or by hand at Stripe. ``withdrawn`` is what banks took by disputes and have not given back.
    """
    return pledged - refunded - withdrawn


def is_still_counted(status: CampaignStatus, outcome: Outcome | None) -> bool:
    """Tell whether what counts may still change: until the last verdict, which then stands.

    A campaign whose cards are being charged is judged once more, on what came in.
    """
    return outcome is None or status is CampaignStatus.COLLECTING
