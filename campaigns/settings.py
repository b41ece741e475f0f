"""The rules of a campaign that an operator may set."""

from dataclasses import dataclass
from typing import Final

from octo.environment import Environment


@dataclass(frozen=True)
class Rules:
    """The rules of campaigns and pledges in force; days and hours as numbers."""

    supporters_needed: int = 3
    longest_days: int = 60
    on_pledge_longest_days: int = 76
    on_success_longest_days: int = 90
    checkout_minutes: int = 30
    cancel_locked_hours: int = 24
    outage_extension_hours: int = 72


def read_rules(read: Environment) -> Rules:
    """Read the rules, or raise ``ConfigError``."""
    default = Rules()
    return Rules(
        supporters_needed=read.whole_number(
            "OCTO_SUPPORTERS_NEEDED", default.supporters_needed, least=0, most=1000
        ),
        longest_days=read.whole_number("OCTO_LONGEST_DAYS", default.longest_days, least=1, most=90),
        on_pledge_longest_days=read.whole_number(
            "OCTO_ON_PLEDGE_LONGEST_DAYS", default.on_pledge_longest_days, least=1, most=76
        ),
        on_success_longest_days=read.whole_number(
            "OCTO_ON_SUCCESS_LONGEST_DAYS", default.on_success_longest_days, least=1, most=90
        ),
        cancel_locked_hours=read.whole_number(
            "OCTO_CANCEL_LOCKED_HOURS", default.cancel_locked_hours, least=0, most=720
        ),
        outage_extension_hours=read.whole_number(
            "OCTO_OUTAGE_EXTENSION_HOURS", default.outage_extension_hours, least=0, most=168
        ),
    )


PARTS: Final = (read_rules,)
