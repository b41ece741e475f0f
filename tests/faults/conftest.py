"""The world of two workers, built once for the tests of a file and begun anew by each."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stripe_sandbox.client import SandboxClient
from tests.databases import Databases
from tests.machine.stores import store_of
from tests.machine.story import Story
from tests.machine.world import World, world_of


@contextmanager
def _built(databases: Databases, sandbox_url: str, instance: Path) -> Iterator[World]:
    sandbox = SandboxClient(sandbox_url, f"sk_test_{uuid.uuid4().hex}")
    with store_of(databases) as store, world_of(store, sandbox, instance) as world:
        yield world
    sandbox.close()


@pytest.fixture(scope="module")
def world(
    engine_name: str,
    databases: Callable[[str], Databases],
    sandbox_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Give a world, once per engine."""
    instance = tmp_path_factory.mktemp("world") / "instance"
    with _built(databases(engine_name), sandbox_url, instance) as built:
        yield built


@pytest.fixture(scope="module")
def sqlite_world(
    databases: Callable[[str], Databases],
    sandbox_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Give a world for what the database has no part in."""
    instance = tmp_path_factory.mktemp("world") / "instance"
    with _built(databases("sqlite"), sandbox_url, instance) as built:
        yield built


@pytest.fixture
def story(sqlite_world: World) -> Story:
    """Give a story that has just begun."""
    begun = Story(sqlite_world)
    begun.begin(float_amount=500_00)
    return begun
