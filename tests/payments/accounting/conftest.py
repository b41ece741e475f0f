"""A site without Stripe: the ledger needs a database and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import site
from tests.payments.accounting.books import Books


@pytest.fixture
def books(database: str, tmp_path: Path) -> Iterator[Books]:
    """Open the books of an empty site; its context is open for the test's own reading."""
    app = site.quickened(site.build_app(site.site_environ(database, tmp_path / "instance")))
    with app.app_context():
        yield Books()
    site.close(app)
