"""The layers hold, and each contract turns red when a bad import is planted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo.supervision import ROOT
from tests.house.tree import PACKAGES

# contract, module that must not, line that breaks it
PLANTS = [
    ("packages", "octo/money.py", "import campaigns.models"),
    ("packages", "campaigns/ports.py", "import payments.models"),
    ("packages", "payments/models/attempt.py", "import demo"),
    ("packages", "payments/models/attempt.py", "import treasury.queries"),
    ("octo", "octo/web/forms.py", "import octo.accounts.models"),
    ("octo", "octo/health/vitals.py", "import octo.mail.outbox"),
    ("octo", "octo/database.py", "import octo.clock"),
    ("treasury", "treasury/queries.py", "import treasury.labels"),
    ("payments", "payments/models/attempt.py", "import payments.gateway.client"),
    ("payments", "payments/models/attempt.py", "import payments.accounting.chart"),
    ("payments", "payments/ledger/posting.py", "from payments.models import Payment"),
    ("ledger", "payments/ledger/posting.py", "from payments.accounting import chart"),
    ("ledger", "payments/ledger/models.py", "from campaigns.models import Campaign"),
    ("ledger", "payments/ledger/balances.py", "from octo.accounts.models import Organisation"),
    ("campaigns", "campaigns/models/pledge.py", "import campaigns.pledges.place"),
    ("stripe", "payments/models/attempt.py", "import stripe"),
    ("stripe", "octo/money.py", "from stripe import StripeClient"),
    ("flask", "campaigns/pledges/place.py", "from flask import request"),
    ("flask", "payments/models/attempt.py", "import flask_babel"),
    ("flask", "campaigns/pledges/place.py", "from octo.runtime import runtime"),
    ("flask", "payments/health.py", "from flask import current_app"),
    ("flask", "treasury/queries.py", "from flask_babel import gettext"),
    ("sandbox", "stripe_sandbox/store.py", "from octo.money import format_amount"),
    ("sandbox", "stripe_sandbox/store.py", "import stripe"),
    ("root", "demo/runner.py", "from wsgi import app"),
]


def lint(tree: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", *arguments],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy what the contracts speak of."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=lambda _, names: _without_code(names)
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "wsgi.py", tmp_path)
    return tmp_path


def _without_code(names: list[str]) -> list[str]:
    return [name for name in names if "." in name and not name.endswith(".py")]


def test_every_contract_is_kept() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(("contract", "module", "line"), PLANTS)
def test_a_bad_import_breaks_its_contract(
    copy: Path, contract: str, module: str, line: str
) -> None:
    path = copy / module
    path.write_text(f"{path.read_text()}\n{line}\n")

    result = lint(copy, "--contract", contract)

    assert result.returncode == 1, result.stdout
    assert "1 broken" in result.stdout
