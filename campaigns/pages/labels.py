"""How categories, legal moves and the rest are called on pages, in the reader's language."""

from typing import Final

from flask_babel import gettext

from campaigns.models import Category, Collection, Visibility
from campaigns.queries import Stage
from octo.errors import N_

CATEGORY_NAMES: Final = {
    Category.FOOD: N_("Food and farming"),
    Category.CULTURE: N_("Culture"),
    Category.EDUCATION: N_("Education"),
    Category.ENVIRONMENT: N_("Environment"),
    Category.SOLIDARITY: N_("Solidarity"),
    Category.CRAFT: N_("Craft"),
    Category.REPAIR: N_("Repair and reuse"),
    Category.HEALTH: N_("Health"),
}
STAGE_NAMES: Final = {
    Stage.LIVE: N_("Running"),
    Stage.GATHERING: N_("Looking for supporters"),
    Stage.SUCCEEDED: N_("Successful"),
    Stage.ENDED: N_("Ended"),
}
VISIBILITY_NAMES: Final = {
    Visibility.ANONYMOUS: (
        N_("Keep me anonymous"),
        N_("Only the owner sees your name."),
    ),
    Visibility.AMOUNT_HIDDEN: (
        N_("Show my name, not the amount"),
        N_("Your name stands on the campaign's page."),
    ),
    Visibility.PUBLIC: (
        N_("Show my name and the amount"),
        N_("Both stand on the campaign's page."),
    ),
}
COLLECTION_NAMES: Final = {
    Collection.ON_PLEDGE: (
        N_("With the pledge"),
        N_(
            "Cards are charged at once and the money is kept safe. If the goal is missed, all of "
            "it goes back. What is pledged is there: the surest for you."
        ),
    ),
    Collection.ON_SUCCESS: (
        N_("Only once the goal is reached"),
        N_(
            "Cards are saved, and charged after the last day if the goal is reached; nobody pays "
            "for a campaign that fails. Some cards are then declined: their holders get %(days)s "
            "days to pay another way. If what comes in falls short of the goal, all of it goes "
            "back."
        ),
    ),
}
_DECLINED: Final = N_("Your bank declined this card.")
# Stripe's own codes of a declined card; any other one is told as a plain refusal.
DECLINE_NAMES: Final = {
    "authentication_required": N_("Your bank asks you to confirm this payment yourself."),
    "insufficient_funds": N_("Your bank says there is not enough money on the account."),
    "expired_card": N_("This card has expired."),
    "lost_card": N_("This card can no longer be used."),
    "stolen_card": N_("This card can no longer be used."),
    "card_unusable": N_("This card can no longer be used."),
}
COUNTRIES: Final = {
    "FR": N_("France"),
    "BE": N_("Belgium"),
    "CH": N_("Switzerland"),
    "DE": N_("Germany"),
    "ES": N_("Spain"),
    "GB": N_("United Kingdom"),
    "IE": N_("Ireland"),
    "IT": N_("Italy"),
    "LU": N_("Luxembourg"),
    "NL": N_("Netherlands"),
    "PT": N_("Portugal"),
}
ACTION_NAMES: Final = {
    "campaign.drafted": N_("drafted"),
    "campaign.edited": N_("edited"),
    "campaign.imported": N_("imported"),
    "campaign.submitted": N_("submitted for review"),
    "campaign.withdrawn": N_("taken back to draft"),
    "campaign.changes_requested": N_("changes requested"),
    "campaign.approved": N_("approved"),
    "campaign.rejected": N_("rejected"),
    "campaign.launched": N_("launched"),
    "campaign.extended": N_("extended"),
    "campaign.extended_for_outage": N_("extended after an outage"),
    "campaign.suspended": N_("suspended"),
    "campaign.resumed": N_("resumed"),
    "campaign.canceled": N_("canceled"),
    "campaign.closing": N_("closed to pledges"),
    "campaign.succeeded": N_("succeeded"),
    "campaign.failed": N_("goal missed"),
    "campaign.failed_after_success": N_("turned to a refund of everybody"),
    "campaign.collected": N_("cards charged"),
    "campaign.settled": N_("settled"),
    "campaign.settling_again": N_("settling again"),
    "campaign.unfrozen": N_("money released"),
}
TIME_ZONES: Final = (
    "Europe/Paris",
    "America/Cayenne",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Miquelon",
    "Indian/Mayotte",
    "Indian/Reunion",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "Europe/Brussels",
    "Europe/Zurich",
    "Europe/London",
    "UTC",
)


def category_name(category: Category) -> str:
    """Return what a category is called."""
    return str(gettext(CATEGORY_NAMES[category]))


def action_name(action: str) -> str:
    """Return what an act of the audit trail is called."""
    return str(gettext(ACTION_NAMES.get(action, action)))


def category_choices() -> list[tuple[str, str]]:
    """Return the categories as a form offers them."""
    return [(category.value, category_name(category)) for category in Category]


def stage_choices() -> list[tuple[str, str]]:
    """Return the stages as a form offers them."""
    return [(stage.value, str(gettext(name))) for stage, name in STAGE_NAMES.items()]


def visibility_choices() -> list[tuple[str, str, str]]:
    """Return the visibilities as a form offers them, each with its meaning."""
    return [
        (visibility.value, str(gettext(title)), str(gettext(note)))
        for visibility, (title, note) in VISIBILITY_NAMES.items()
    ]


def collection_choices(repair_days: int) -> list[tuple[str, str, str]]:
    """Return when cards may be charged as a form offers it, each with what it means."""
    return [
        (collection.value, str(gettext(title)), str(gettext(note, days=repair_days)))
        for collection, (title, note) in COLLECTION_NAMES.items()
    ]


def collection_name(collection: Collection) -> str:
    """Return when the cards of a campaign are charged."""
    return str(gettext(COLLECTION_NAMES[collection][0]))


def decline_name(code: str) -> str:
    """Return why a card was declined, as its holder is told."""
    return str(gettext(DECLINE_NAMES.get(code, _DECLINED)))


def country_choices() -> list[tuple[str, str]]:
    """Return the countries a reward may be sent to."""
    return [(code, str(gettext(name))) for code, name in COUNTRIES.items()]
