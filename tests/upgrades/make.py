"""Keep the databases of the release that stands: ``python -m tests.upgrades.make``.

Plays the small season on each engine, and what it lacks after it, and writes the archive of the
newest revision. One that exists is never written again: it is what that release made.
"""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

from stripe_sandbox.client import SandboxClient
from tests.databases import ENGINES
from tests.demo.seasons import load_small
from tests.postgresql import temporary_postgresql
from tests.sandbox import running_sandbox
from tests.site import build_app, close, migrate_with, quickened, site_environ
from tests.upgrades.acting import Troupe, act
from tests.upgrades.keeping import ENDING, HERE, STRIPE_KEY, Place, keep, pack


def main() -> int:
    """Make the archive; return the exit code."""
    with tempfile.TemporaryDirectory() as home, temporary_postgresql() as server:
        folder = Path(home)
        urls = {"sqlite": f"sqlite:///{folder / 'octo.sqlite'}", "postgresql": server}
        for engine in ENGINES:
            place = Place(urls[engine], folder / engine / "sandbox", folder / engine / "instance")
            revision = _play(place, folder / "kept")
            sys.stdout.write(f"{engine} at {revision}\n")
        archive = HERE / f"{revision}{ENDING}"
        if archive.exists():
            sys.stderr.write(f"{archive.name} is kept already, as its release made it\n")
            return 1
        pack(folder / "kept", archive)
        sys.stdout.write(f"{archive.name}: {archive.stat().st_size} bytes\n")
    return 0


def _play(place: Place, kept: Path) -> str:
    """Play everything in one place, keep it, and return the revision of its schema."""
    place.sandbox.parent.mkdir(parents=True)
    migrate_with(place.instance)(place.database_url)
    with running_sandbox(place.sandbox) as url:
        stripe = {"STRIPE_API_BASE": url, "STRIPE_SECRET_KEY": STRIPE_KEY}
        app = quickened(build_app({**site_environ(place.database_url, place.instance), **stripe}))
        with app.app_context():
            load_small(app)
            sandbox = SandboxClient(url, STRIPE_KEY)
            act(Troupe(app, sandbox))
            sandbox.close()
        close(app)
    keep(place, kept, revision=(revision := _revision(place.database_url)), sandbox_url=url)
    return revision


def _revision(database_url: str) -> str:
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version"))
        revision = str(found.scalar_one())
    engine.dispose()
    return revision


if __name__ == "__main__":
    sys.exit(main())
