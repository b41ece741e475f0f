"""The settings of the money side: how to reach Stripe, and the rates and terms of a settlement."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from octo.config import DEMO_MAIL, NOBODYS_MAIL, Settings
from octo.environment import Environment
from octo.errors import ConfigError

STRIPE_ITSELF: Final = "https://api.stripe.com"
STRIPE_PAGES: Final = ("https://checkout.stripe.com", "https://connect.stripe.com")
FEWEST_CHARACTERS: Final = 12
_INSTALLATION: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LIVE: Final = ("sk_live_", "rk_live_")
_TEST: Final = ("sk_test_", "rk_test_")


@dataclass(frozen=True)
class StripeSettings:
    """How to reach Stripe, or the sandbox that stands in for it; rates in calls per second."""

    secret_key: str
    api_base: str
    webhook_secrets: tuple[str, ...]
    rate: int
    rate_endpoint: int
    installation: str
    calls_in_flight: int

    @property
    def is_live(self) -> bool:
        """Tell whether the key moves real money."""
        return self.secret_key.startswith(_LIVE)

    @property
    def is_sandbox(self) -> bool:
        """Tell whether calls go anywhere else than to Stripe itself."""
        return self.api_base != STRIPE_ITSELF

    @property
    def pages(self) -> tuple[str, ...]:
        """Return where the pages are that backers and owners are sent to."""
        return (self.api_base,) if self.is_sandbox else STRIPE_PAGES


@dataclass(frozen=True)
class SettlementTerms:
    """What the platform keeps of a campaign that succeeds, and how long cards may be repaired."""

    platform_fee_rate: Decimal = Decimal("0.07")
    vat_rate: Decimal = Decimal("0.20")
    repair_days: int = 7


def read_settlement_terms(read: Environment) -> SettlementTerms:
    """Read the rates and the days, or raise ``ConfigError``."""
    default = SettlementTerms()
    terms = SettlementTerms(
        platform_fee_rate=read.rate("OCTO_PLATFORM_FEE", default.platform_fee_rate),
        vat_rate=read.rate("OCTO_VAT", default.vat_rate),
        repair_days=read.whole_number("OCTO_REPAIR_DAYS", default.repair_days, least=1, most=30),
    )
    if terms.platform_fee_rate * (1 + terms.vat_rate) >= 1:
        raise ConfigError("OCTO_PLATFORM_FEE leaves nothing to owners once OCTO_VAT is added to it")
    return terms


def read_stripe(read: Environment) -> StripeSettings:
    """Read how to reach Stripe; ``ConfigError`` on a key that fits no address, too."""
    secret_key = read.required("STRIPE_SECRET_KEY")
    api_base = read.address("STRIPE_API_BASE", STRIPE_ITSELF)
    if not secret_key.startswith(_LIVE + _TEST):
        raise ConfigError("STRIPE_SECRET_KEY must start with sk_test_ or sk_live_")
    if secret_key.startswith(_LIVE) and api_base != STRIPE_ITSELF:
        raise ConfigError(
            "STRIPE_SECRET_KEY is a live key but STRIPE_API_BASE is not Stripe: "
            "use a test key, or remove STRIPE_API_BASE"
        )
    rate = read.whole_number("STRIPE_RATE", 25, least=1, most=10_000)
    return StripeSettings(
        secret_key=secret_key,
        api_base=api_base,
        webhook_secrets=_webhook_secrets(read),
        rate=rate,
        rate_endpoint=read.whole_number(
            "STRIPE_RATE_ENDPOINT", min(rate, 25), least=1, most=10_000
        ),
        installation=read.shaped(
            "OCTO_INSTALLATION",
            "octo",
            shape=_INSTALLATION,
            must_be="1 to 32 letters, digits, - or _",
        ),
        calls_in_flight=read.whole_number(
            "OCTO_CALLS_IN_FLIGHT", _enough_in_flight(rate), least=1, most=200
        ),
    )


def demand_fit_for_money(settings: Settings) -> None:
    """Raise ``ConfigError`` where a site that moves real money is set up as a demo would be."""
    if not settings.of(StripeSettings).is_live:
        return
    if settings.is_demo:
        raise ConfigError("OCTO_DEMO is on with a live key: real money is no demo, remove it")
    if not settings.base_url.startswith("https://"):
        raise ConfigError("OCTO_BASE_URL must begin with https:// with a live key")
    if settings.mail_url == DEMO_MAIL:
        raise ConfigError("MAIL_URL is the demo's open mailbox: with a live key mails must be sent")
    if settings.mail_from == NOBODYS_MAIL:
        raise ConfigError("OCTO_MAIL_FROM is missing: with a live key mails need a sender of yours")
    if len(set(settings.secret_key)) < FEWEST_CHARACTERS:
        raise ConfigError(
            "SECRET_KEY is too simple for a live key: python -c 'import secrets; "
            "print(secrets.token_urlsafe())' makes a good one"
        )


def _webhook_secrets(read: Environment) -> tuple[str, ...]:
    given = read.required("STRIPE_WEBHOOK_SECRET")
    secrets = tuple(secret.strip() for secret in given.split(",") if secret.strip())
    if not secrets or not all(secret.startswith("whsec_") for secret in secrets):
        raise ConfigError(
            "STRIPE_WEBHOOK_SECRET must be one or more whsec_… secrets, comma-separated"
        )
    return secrets


def _enough_in_flight(rate: int) -> int:
    """Return how many calls fill the rate when each takes half a second, within reason."""
    return min(max(24, rate // 2), 50)


PARTS: Final = (read_settlement_terms, read_stripe)
