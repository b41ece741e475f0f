"""A setting that is wrong stops the start with one line that names it, and exit 2."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from campaigns.settings import Rules
from demo.supervision import ROOT
from octo.config import load_settings
from octo.errors import ConfigError
from payments.settings import SettlementTerms, StripeSettings, demand_fit_for_money
from tests.site import PARTS, build_app, site_environ

REAL: Final = {"OCTO_DEMO": "0", "MAIL_URL": "smtps://post.example.org"}
NO_RATES: Final = ("", "seven", "7", "1", "-0.07", "NaN", "sNaN", "Infinity")
NO_NUMBERS: Final = ("", "0", "-1", "1e1", "2.5", "٣", "many", "99999999")
NO_ADDRESSES: Final = ("", "stripe", "ftp://host", "http://", "http://host:port", "http://[::1")
WRONG: Final = {
    "DATABASE_URL": (
        "nonsense",
        "",
        "mysql://host/octo",
        "postgresql://host:port/octo",
        "postgresql://[::1/octo",
        "postgresql://host",
        "sqlite://",
        "sqlite:////nowhere/at/all.sqlite",
    ),
    "OCTO_PLATFORM_FEE": NO_RATES,
    "OCTO_VAT": NO_RATES,
    "STRIPE_RATE": NO_NUMBERS,
    "STRIPE_RATE_ENDPOINT": NO_NUMBERS,
    "OCTO_LONGEST_DAYS": NO_NUMBERS,
    "OCTO_REPAIR_DAYS": NO_NUMBERS,
    "PORT": NO_NUMBERS,
    "STRIPE_API_BASE": NO_ADDRESSES,
    "OCTO_BASE_URL": NO_ADDRESSES,
    "STRIPE_SECRET_KEY": ("", "pk_test_public", "sk_live_of_money", "rk_live_of_money"),
    "STRIPE_WEBHOOK_SECRET": ("", " , ", "whsec_one,two"),
    "SECRET_KEY": ("", "too short"),
    "MAIL_URL": ("", "post.example.org", "smtp://", "smtp://post.example.org:port"),
    "OCTO_MAIL_FROM": ("", "Octo", "Octo <octo@example.org>\nBcc: all@example.org"),
    "OCTO_TIME_ZONE": ("", "Europe", "Europe/Quimper", "../zone"),
    "OCTO_INSTALLATION": ("", "one:two"),
    "OCTO_INSTANCE": ("/dev/null",),
    "OCTO_DEMO": ("perhaps",),
    "OCTO_RATE_LIMITS": ("perhaps",),
    "OCTO_METRICS_TOKEN": ("too short",),
}


@pytest.fixture
def real(tmp_path: Path) -> dict[str, str]:
    """Give the settings of a site that could start."""
    return {**site_environ(f"sqlite:///{tmp_path / 'octo.sqlite'}", tmp_path / "instance"), **REAL}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_setting_is_named_in_one_line(real: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as refusal:
        load_settings({**real, name: value}, parts=PARTS)

    assert len(str(refusal.value).splitlines()) == 1


LIVE: Final = {
    "OCTO_DEMO": "0",
    "STRIPE_SECRET_KEY": "sk_live_of_money",
    "STRIPE_API_BASE": "https://api.stripe.com",
    "OCTO_BASE_URL": "https://octo.example.org",
    "OCTO_MAIL_FROM": "Octo <bonjour@octo.example.org>",
    "MAIL_URL": "smtps://post.example.org",
    "SECRET_KEY": "n0t-to-be-guessed-by-anybody-at-all!",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCTO_DEMO", "1"),
        ("OCTO_BASE_URL", "http://octo.example.org"),
        ("OCTO_BASE_URL", None),
        ("OCTO_MAIL_FROM", None),
        ("MAIL_URL", "demo:"),
        ("SECRET_KEY", "a" * 40),
        ("SECRET_KEY", "secret" * 8),
        ("STRIPE_API_BASE", "http://127.0.0.1:8001"),
    ],
)
def test_real_money_moves_on_no_site_set_up_as_a_demo(
    real: dict[str, str], name: str, value: str | None
) -> None:
    live = {**real, **LIVE}
    demand_fit_for_money(load_settings(live, parts=PARTS))
    changed = {**live, name: value} if value is not None else live
    if value is None:
        del changed[name]

    with pytest.raises(ConfigError, match=name) as refusal:
        build_app(changed)

    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("OCTO_PLATFROM_FEE", "OCTO_PLATFORM_FEE"),
        ("OCTO_BASEURL", "OCTO_BASE_URL"),
        ("STRIPE_WEBHOOK_SECRETS", "STRIPE_WEBHOOK_SECRET"),
        ("OCTO_METRIC_TOKEN", "OCTO_METRICS_TOKEN"),
        ("DATABASE_URI", "DATABASE_URL"),
    ],
)
def test_a_misspelt_setting_is_not_passed_over(
    real: dict[str, str], misspelt: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=f"{misspelt} is no setting: did you mean {meant}"):
        load_settings({**real, misspelt: "x"}, parts=PARTS)


@pytest.mark.parametrize("name", ["OCTO_TEST_DATABASE", "OCTO_SEED", "STRIPE_CLI_HOME", "OCTAVE"])
def test_what_is_set_for_others_is_none_of_ours(real: dict[str, str], name: str) -> None:
    assert load_settings({**real, name: "x"}, parts=PARTS).mail_url == REAL["MAIL_URL"]


def test_owners_are_left_something(real: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="OCTO_PLATFORM_FEE leaves nothing"):
        load_settings({**real, "OCTO_PLATFORM_FEE": "0.9", "OCTO_VAT": "0.2"}, parts=PARTS)


def test_a_refusal_repeats_no_secret(real: dict[str, str]) -> None:
    for name in ("SECRET_KEY", "OCTO_METRICS_TOKEN", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        with pytest.raises(ConfigError, match=name) as refusal:
            load_settings({**real, name: "hushhush"}, parts=PARTS)

        assert "hushhush" not in str(refusal.value)


def test_nothing_is_read_but_what_is_handed_in(
    real: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "not a port")
    monkeypatch.setenv("OCTO_LONGEST_DAYS", "30")

    settings = load_settings(real, parts=PARTS)

    assert (settings.port, settings.of(Rules).longest_days) == (8000, 60)


def test_a_setting_reaches_the_part_of_its_package(real: dict[str, str]) -> None:
    chosen = {"OCTO_SUPPORTERS_NEEDED": "0", "OCTO_VAT": "0.055", "STRIPE_RATE": "80"}

    settings = load_settings({**real, **chosen}, parts=PARTS)

    assert settings.of(Rules).supporters_needed == 0
    assert settings.of(SettlementTerms).vat_rate == Decimal("0.055")
    assert settings.of(StripeSettings).rate == 80


def test_a_store_of_tries_that_is_none_is_named(real: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="OCTO_RATE_LIMIT_STORAGE"):
        build_app({**real, "OCTO_RATE_LIMITS": "1", "OCTO_RATE_LIMIT_STORAGE": "nowhere://"})


def test_the_settings_above_are_right_when_none_is_changed(real: dict[str, str]) -> None:
    assert load_settings(real, parts=PARTS).mail_url == REAL["MAIL_URL"]


@pytest.mark.slow
def test_a_program_that_cannot_start_says_so_in_one_line_and_exits_2(real: dict[str, str]) -> None:
    wrong = {"PATH": os.environ["PATH"], **real, "STRIPE_SECRET_KEY": "sk_live_of_money"}

    started = subprocess.run(
        [sys.executable, "-m", "flask", "worker", "--once"],
        cwd=ROOT,
        env=wrong,
        capture_output=True,
        text=True,
        check=False,
    )

    assert started.returncode == 2
    assert started.stdout == ""
    assert len(started.stderr.splitlines()) == 1
    assert "STRIPE_SECRET_KEY" in started.stderr


@pytest.mark.parametrize(
    "command", ["db upgrade", "db check", "worker --once", "ledger check", "campaign list"]
)
def test_a_command_without_its_database_says_so_in_one_line_and_exits_1(
    real: dict[str, str], command: str
) -> None:
    away = {**real, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/octo"}

    told = build_app(away).test_cli_runner().invoke(args=command.split())

    assert told.exit_code == 1
    assert len(told.stderr.splitlines()) == 1
    assert "the database does not answer" in told.stderr
