"""What every test may ask for: a migrated database, the app on it, Stripe, and time."""

import contextlib
import gc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from octo.clock import real_now
from octo.database import db
from octo.web.limits import limiter
from stripe_sandbox.client import SandboxClient
from tests.databases import (
    Databases,
    PostgresqlDatabases,
    SqliteDatabases,
    chosen_engines,
    engine_of_today,
    engines_for,
)
from tests.dealing import dealt
from tests.instants import chosen_instants, instant_of, played_at
from tests.locking import Watch, watched_locks
from tests.loopback import guard_the_network
from tests.make import Make
from tests.moment import Moment
from tests.postgresql import temporary_postgresql
from tests.sandbox import running_sandbox
from tests.seeds import seed_of_this_run
from tests.site import build_app, close, migrate_with, quickened, site_environ
from tests.visitor import Visitor

ENGINE: Final = "engine_name"
LOCK_WATCH: Final = "tests.lock_watch"
LOADED_DEMO: Final = "first_run"
GARBAGE: Final = (100_000, 20, 100)


def pytest_configure() -> None:
    """Settle the seed before workers start, so that all of them have one; stay on this machine."""
    seed_of_this_run()
    guard_the_network()


def pytest_report_header() -> str:
    chosen, today = ", ".join(chosen_engines()), engine_of_today()
    return f"OCTO_SEED={seed_of_this_run()}; databases: {chosen}; the engine of the day is {today}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a test run on the engine of the day, or on every engine if the database is its subject.

    A test that names its engines itself keeps them. One that depends on the day or the hour is
    played at each instant asked for.
    """
    if metafunc.definition.get_closest_marker("dates") and chosen_instants():
        metafunc.fixturenames.append("instant")
        metafunc.parametrize("instant", chosen_instants())
    named = {str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")}
    if ENGINE in metafunc.fixturenames and ENGINE not in named:
        is_about_the_database = metafunc.definition.get_closest_marker("both_engines") is not None
        engines = engines_for(is_about_the_database=is_about_the_database)
        metafunc.parametrize(ENGINE, engines, scope="module")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Play a test at its instant, with all that it asks for."""
    instant = instant_of(item)
    with played_at(instant) if instant else contextlib.nullcontext():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin each worker's share with its part of the long tests, so that none ends alone with one.

    Workers begin with a share of the list each, and take from each other's end. What waits for the
    loaded demo stands together, so that only one of them does.
    """
    long = [item for item in items if item.get_closest_marker("slow")]
    long.sort(key=lambda item: LOADED_DEMO not in getattr(item, "fixturenames", ()))
    short = [item for item in items if not item.get_closest_marker("slow")]
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = dealt(long, short, workers=workers)


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and seldom: it took a third of their time.

    What was imported and collected stays to the end, and hundreds of sites are built beside it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Databases]]:
    """Give, by engine, the databases of this worker; an engine is prepared when first asked."""
    folder = tmp_path_factory.mktemp("databases")
    prepared: dict[str, Databases] = {}

    with contextlib.ExitStack() as stack:

        def of(engine: str) -> Databases:
            migrate = migrate_with(folder / "instance")
            if engine not in prepared and engine == "sqlite":
                prepared[engine] = SqliteDatabases(folder, migrate)
            elif engine not in prepared:
                server = stack.enter_context(temporary_postgresql())
                made = PostgresqlDatabases(server, migrate)
                stack.callback(made.close)
                prepared[engine] = made
            return prepared[engine]

        yield of


@pytest.fixture
def database(engine_name: str, databases: Callable[[str], Databases]) -> Iterator[str]:
    """Give the URL of an empty, migrated database; the test runs once per engine meant."""
    with databases(engine_name).fresh() as url:
        yield url


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run this worker's Stripe sandbox and give its address."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox") / "files") as url:
        yield url


@pytest.fixture
def stripe_key() -> str:
    """Name a platform account of this test's own: its data, clock, faults and webhooks."""
    return f"sk_test_{uuid.uuid4().hex}"


@pytest.fixture
def sandbox(
    request: pytest.FixtureRequest, sandbox_url: str, stripe_key: str
) -> Iterator[SandboxClient]:
    """Give the sandbox's own door, for this test's account."""
    with SandboxClient(sandbox_url, stripe_key) as client:
        if instant_of(request.node):
            client.advance_to(int(real_now().timestamp()))
        yield client


@pytest.fixture
def environ(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, sandbox: SandboxClient
) -> dict[str, str]:
    """Give the settings of this test's site; change them before asking for ``app``."""
    settings = site_environ(database, tmp_path / "instance")
    if request.node.get_closest_marker("counted"):
        settings["OCTO_RATE_LIMITS"] = "1"
    return {**settings, "STRIPE_API_BASE": sandbox.url, "STRIPE_SECRET_KEY": sandbox.key}


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Build the whole app on a fresh database, its context open for the test's own reading.

    Whoever locks rows in another order than all others fails the test.
    """
    built = quickened(build_app(environ))
    if limiter.enabled:
        limiter.reset()
    with built.app_context(), watched_locks(db.engine) as watch:
        built.extensions[LOCK_WATCH] = watch
        yield built
    close(built)


@pytest.fixture
def lock_watch(app: Flask) -> Watch:
    """Give what watches the order of the app's locks."""
    watch = app.extensions[LOCK_WATCH]
    assert isinstance(watch, Watch)
    return watch


@pytest.fixture
def client(app: Flask) -> Visitor:
    """Give someone with a browser who is not signed in."""
    visitor = app.test_client()
    assert isinstance(visitor, Visitor)
    return visitor


@pytest.fixture
def moment(app: Flask, sandbox: SandboxClient) -> Moment:
    """Give the business time of the site and of its Stripe account."""
    return Moment(app, sandbox)


@pytest.fixture
def make(app: Flask, moment: Moment) -> Make:
    """Give a builder of valid users, campaigns, pledges and payments."""
    return Make(app, moment)
