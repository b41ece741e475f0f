"""A machine without a browser says so out loud, and nowhere less than where all must be run."""

import pytest

from tests.browser.chromium import MISSING, running_chromium


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def test_without_a_browser_its_tests_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=MISSING[:30]), running_chromium():
        pass


def test_where_everything_is_demanded_a_missing_browser_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match=MISSING[:30]), running_chromium():
        pass
