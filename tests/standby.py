"""A PostgreSQL primary and the standby that follows it: one is killed, the other takes over."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import psycopg

from tests.postgresql import SERVER, kept
from tests.processes import wait_until

RELOAD: Final = "SELECT pg_reload_conf()"


@dataclass(frozen=True)
class Pair:
    """Two servers, each known by the folder of its socket."""

    primary: str
    standby: str

    @property
    def url(self) -> str:
        """Where whichever of the two takes writes is found."""
        return f"{SERVER}{self.primary},{self.standby}&target_session_attrs=read-write"

    def wait_for_the_standby(self) -> None:
        """Have each commit wait, from now on, until the standby has kept it."""
        _run_on(self.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", RELOAD)
        following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: _run_on(self.primary, following) == 1)

    def part(self) -> None:
        """Let nothing more reach the standby, which keeps what it has."""
        _run_on(self.standby, "ALTER SYSTEM SET primary_conninfo = ''", RELOAD)
        receiving = "SELECT count(*) FROM pg_stat_wal_receiver"
        wait_until(lambda: _run_on(self.standby, receiving) == 0)

    def kill_primary(self) -> None:
        """End the primary with ``SIGKILL``, as a machine ends."""
        number = int((Path(self.primary) / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGKILL)

    def promote(self) -> None:
        """Let the standby take writes."""
        assert _run_on(self.standby, "SELECT pg_promote()") is True


def _run_on(host: str, *statements: LiteralString) -> object:
    with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        row = cursor.fetchone()
    assert row is not None
    return row[0]


@contextmanager
def primary_and_standby() -> Iterator[Pair]:
    """Run a primary that is followed by a standby while the body lasts."""
    with kept("--standby") as (primary, standby):
        yield Pair(primary, standby)
