"""A site that listens, and people with browsers: without JavaScript, as the site promises."""

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext

from stripe_sandbox.client import SandboxClient
from tests.browser.chromium import running_chromium
from tests.browser.person import DESKTOP, PHONE, SIZES, Person
from tests.browser.serving import serving
from tests.databases import Databases
from tests.sandbox import free_port
from tests.site import site_environ


class Invite(Protocol):
    def __call__(
        self, device: str = ..., *, language: str = ..., has_scripts: bool = ...
    ) -> Person: ...


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run one browser for all tests of this worker."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def database(databases: Callable[[str], Databases]) -> Iterator[str]:
    """Give an SQLite database: what a page does to PostgreSQL is tested without a browser."""
    with databases("sqlite").fresh() as url:
        yield url


@pytest.fixture
def environ(
    chromium: Browser,
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
    sandbox: SandboxClient,
) -> dict[str, str]:
    """Give the settings of a site that knows its own address, as a demo's does."""
    instance = tmp_path_factory.mktemp("instance")
    return {
        **site_environ(database, instance),
        "OCTO_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "STRIPE_API_BASE": sandbox.url,
        "STRIPE_SECRET_KEY": sandbox.key,
    }


@pytest.fixture
def site(app: Flask, environ: dict[str, str]) -> Iterator[str]:
    """Serve the app and give its address."""
    address = environ["OCTO_BASE_URL"]
    with serving(app, address):
        yield address


@pytest.fixture
def invite(chromium: Browser, site: str) -> Iterator[Invite]:
    """Give a way to bring people in; afterwards nothing may have gone wrong at any of them."""
    people: list[Person] = []

    def bring(device: str = DESKTOP, *, language: str = "en", has_scripts: bool = False) -> Person:
        context = _new_context(chromium, device, language, has_scripts=has_scripts)
        person = Person(context, site, device=device)
        people.append(person)
        return person

    yield bring
    for person in people:
        person.context.close()
    assert [trouble for person in people for trouble in person.troubles] == []


def _new_context(
    chromium: Browser, device: str, language: str, *, has_scripts: bool
) -> BrowserContext:
    wide, high = SIZES[device]
    return chromium.new_context(
        viewport={"width": wide, "height": high},
        locale="fr-FR" if language == "fr" else "en-GB",
        timezone_id="Europe/Paris",
        is_mobile=device == PHONE,
        has_touch=device == PHONE,
        java_script_enabled=has_scripts,
        reduced_motion="reduce",
    )
