"""Where benchmarks run: a migrated site on a database of their own."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from flask import Flask

from tests import site
from tests.postgresql import temporary_postgresql


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


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'octo.sqlite'}"


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    del folder
    with temporary_postgresql(durable=True) as url:
        yield url


DATABASES: Final[dict[str, Callable[[Path], AbstractContextManager[str]]]] = {
    "SQLite": _sqlite,
    "PostgreSQL": _postgresql,
}
"""How to get an empty, durable database in a folder, by the name of its kind."""
