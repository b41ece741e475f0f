"""A SQLite file on a disk that fills up in the middle of a settlement, for as long as it is full.

Only ``make chaos`` plays this, and only with the rights to mount a small disk.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from octo.database import db
from payments.models import Attempt, AttemptKind
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish, let_pauses_pass, not_played
from tests.faults.judging import asked, check_conserved, check_given_back_once
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

DISK_BYTES: Final = 6_000_000
PLEDGES: Final = 30
TRIES: Final = 6

pytestmark = [pytest.mark.chaos, pytest.mark.both_engines]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that holds little."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        not_played("no rights to make a small disk: none is filled")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no room on a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@pytest.fixture
def database(database: str, small_disk: Path) -> str:
    if not database.startswith("sqlite"):
        pytest.skip("the disk of PostgreSQL is its own")
    path = small_disk / "octo.sqlite"
    shutil.copyfile(str(sa.make_url(database).database), path)
    return f"sqlite:///{path}"


@pytest.mark.fault("F21")
def test_a_settlement_on_a_full_disk_waits_for_room_and_moves_each_amount_once(
    make: Make, moment: Moment, sandbox: SandboxClient, small_disk: Path
) -> None:
    sandbox.top_up(1_000_00)
    missed = make.live_campaign(goal=100_000_00, days=20)
    for place in range(PLEDGES):
        make.pledge(missed, 10_00 + place)
    make.work()
    moment.advance(days=21)
    refresh()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # it keeps no room for itself

    failed = 0
    with filled(small_disk):
        for _ in range(TRIES):
            try:
                make.work()
            except OperationalError:
                failed += 1
                refresh()
        intended = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.REFUND_CREATE)
        assert asked(sandbox, "/v1/refunds") <= (db.session.scalar(intended) or 0)
    assert failed, "the disk was never full"
    refresh()
    let_pauses_pass(make)
    finish(make)

    check_given_back_once(sandbox, missed)
    check_conserved(sandbox)
