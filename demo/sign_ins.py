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
    SignIn("backer", "lea.riou@demo.octo.invalid", "/"),
    SignIn("owner", "nolwenn.le-gall@demo.octo.invalid", "/owner"),
    SignIn("moderator", "yannick.kerbrat@demo.octo.invalid", "/moderation"),
    SignIn("treasurer", "fatima.benali@demo.octo.invalid", "/treasury"),
    SignIn("admin", "maelle.queffelec@demo.octo.invalid", "/admin"),
)
