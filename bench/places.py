"""Where benchmarks run: a migrated site on a database of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from tests import site


@contextmanager
def running_site(database_url: str, instance: Path, **settings: str) -> Iterator[Flask]:
    """Build the site on this database, its context open."""
    app = site.build_app({**site.site_environ(database_url, instance), **settings})
    with app.app_context():
        yield app
    site.close(app)


def migrate(database_url: str, instance: Path) -> None:
    """Bring a database to the newest schema."""
    site.migrate_with(instance)(database_url)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="octo-bench-") as name:
        yield Path(name)
