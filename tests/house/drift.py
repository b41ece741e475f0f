"""Do the migrations and the models agree? ``python -m tests.house.drift`` asks both databases.

Each is upgraded, taken all the way down, upgraded again and compared with the models.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import ENGINES
from tests.postgresql import temporary_postgresql
from tests.site import build_app, close, site_environ

STEPS = (("db", "upgrade"), ("db", "downgrade", "base"), ("db", "upgrade"), ("db", "check"))


@contextmanager
def empty_database(engine: str, folder: Path) -> Iterator[str]:
    """Give the URL of a database that has no table yet."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'drift.sqlite'}"
        return
    with temporary_postgresql() as url:
        yield url


def find_drift(engine: str, folder: Path) -> str:
    """Return what is wrong on this engine; nothing when migrations and models agree."""
    with empty_database(engine, folder) as url:
        app = build_app(site_environ(url, folder))
        try:
            for step in STEPS:
                result = app.test_cli_runner().invoke(args=step)
                if result.exit_code != 0:
                    return f"flask {' '.join(step)}: {result.output or result.exception!r}"
        finally:
            close(app)
    return ""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = {engine: find_drift(engine, Path(folder)) for engine in ENGINES}
    for engine, complaint in found.items():
        if complaint:
            sys.stderr.write(f"{engine}: {complaint}\n")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
