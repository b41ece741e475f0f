"""A database of each engine, kept with the Stripe it works with, and put back anywhere, any time.

One archive holds them all: per engine the database and the sandbox's file of the same moment, as
SQL, and the pictures, which are named by what they show and so are the same for both.
"""

import json
import shutil
import sqlite3
import subprocess
import tarfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from tests.kept import connected
from tests.postgresql import packaged_programs

HERE: Final = Path(__file__).parent
ENDING: Final = ".tar.xz"
STRIPE_KEY: Final = "sk_test_kept_season"
PASSWORD: Final = "une phrase de passe de ceux qui restent"
DATABASE: Final = "database.sql"
SANDBOX: Final = "sandbox.sql"
MOMENT: Final = "moment.json"
MEDIA: Final = "media"


@dataclass(frozen=True)
class Place:
    """Where one site and its Stripe keep everything; nothing runs there meanwhile."""

    database_url: str
    sandbox: Path
    instance: Path


@dataclass(frozen=True)
class Moment:
    """What must be known of the moment of keeping: the schema, the hour, Stripe's address."""

    revision: str
    machine_at: int
    sandbox_url: str
    account: str


def address_of(role: str) -> str:
    """Return the address under which somebody of a kept site signs in."""
    return f"{role}@kept.example"


def kept_revisions() -> list[str]:
    """Return the revisions of which databases are kept, the oldest first."""
    return sorted(path.name.removesuffix(ENDING) for path in HERE.glob(f"*{ENDING}"))


def keep(place: Place, folder: Path, *, revision: str, sandbox_url: str) -> None:
    """Write what a place holds into a folder named after its engine."""
    into = folder / engine_of(place.database_url)
    into.mkdir(parents=True)
    [account] = place.sandbox.glob("acct_*.sqlite")
    moment = Moment(revision, int(time.time()), sandbox_url, account.stem)
    (into / MOMENT).write_text(json.dumps(asdict(moment), indent=1))
    (into / DATABASE).write_text(_dump(place.database_url))
    (into / SANDBOX).write_text(_dump_file(account))
    shutil.copytree(place.instance / MEDIA, folder / MEDIA, dirs_exist_ok=True)


def pack(folder: Path, archive: Path) -> None:
    """Compress what was kept of all engines."""
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder), recursive=False, filter=_anonymous)


def put_back(revision: str, place: Place, scratch: Path, *, sandbox_url: str) -> None:
    """Put what was kept at a revision into a place, for the sandbox that runs at an address.

    That one opens the file of an account when it is first asked for it, and not before.
    Business time goes on from where it was: both clocks are set back by the machine time that
    has passed since, so that a year later it is still the hour of keeping.
    """
    _unpack(HERE / f"{revision}{ENDING}", scratch)
    kept = scratch / engine_of(place.database_url)
    moment = Moment(**json.loads((kept / MOMENT).read_text()))
    passed = int(time.time()) - moment.machine_at
    database, sandbox = (
        (kept / name).read_text().replace(moment.sandbox_url, sandbox_url)
        for name in (DATABASE, SANDBOX)
    )
    _play(database, place.database_url)
    site = sa.create_engine(place.database_url)
    with site.begin() as connection:
        connection.execute(
            sa.text("UPDATE business_clock SET offset_seconds = offset_seconds - :passed"),
            {"passed": passed},
        )
    site.dispose()
    place.sandbox.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(place.sandbox / f"{moment.account}.sqlite")) as connection:
        connection.executescript(sandbox)
        moved = "UPDATE setting SET value = value - ? WHERE name = 'clock_offset'"
        connection.execute(moved, (passed,))
        connection.commit()
    shutil.copytree(scratch / MEDIA, place.instance / MEDIA)


def engine_of(database_url: str) -> str:
    """Return the name of the engine that a URL is for."""
    return sa.make_url(database_url).get_backend_name()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            if (file := tar.extractfile(member)) is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read())


def _dump(database_url: str) -> str:
    url = sa.make_url(database_url)
    if engine_of(database_url) == "sqlite":
        return _dump_file(Path(str(url.database)))
    plain = ("--format=plain", "--no-owner", "--no-privileges")
    return _run("pg_dump", url, *plain).decode()


def _dump_file(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


def _play(sql: str, database_url: str) -> None:
    """Make a database what the SQL says, whatever it was before."""
    url = sa.make_url(database_url)
    if engine_of(database_url) == "sqlite":
        for ending in ("", "-wal", "-shm"):
            Path(f"{url.database}{ending}").unlink(missing_ok=True)
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.executescript(sql)
        return
    with connected(database_url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    quietly = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    _run("psql", url, *quietly, given=sql.encode())


def _run(program: str, url: sa.URL, *options: str, given: bytes = b"") -> bytes:
    """Run one of PostgreSQL's own programs on a database."""
    where = (
        f"--host={url.query['host']}",
        f"--username={url.username}",
        f"--dbname={url.database}",
    )
    command = [str(packaged_programs() / program), *where, *options]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
