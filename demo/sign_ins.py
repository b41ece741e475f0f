"""Who can sign in to the demo; ``make run`` prints them and ``flask demo load`` creates them."""

from dataclasses import dataclass
from typing import Final

DEMO_PASSWORD: Final = "pieuvre-de-demo-2026"  # noqa: S105 - printed on purpose, valid in the demo only


@dataclass(frozen=True)
class SignIn:
    """One demo account: the name of its role, its e-mail and what to look at with it."""

    role: str
    email: str
    look_at: str


SIGN_INS: Final = (
    SignIn("backer", "lea.riou@octopousse.example", "/"),
    SignIn("owner", "nolwenn.le-gall@octopousse.example", "/owner"),
    SignIn("moderator", "yannick.kerbrat@octopousse.example", "/moderation"),
    SignIn("treasurer", "fatima.benali@octopousse.example", "/treasury"),
    SignIn("admin", "maelle.queffelec@octopousse.example", "/admin"),
)
