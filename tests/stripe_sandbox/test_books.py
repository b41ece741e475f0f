"""The books of the sandbox watch themselves: a balance that no movement explains is a bug."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stripe_sandbox.money import balance_of, move_money
from stripe_sandbox.platforms import InvariantError, Platform, check_balances


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """Open an account that holds ten euros."""
    opened = Platform(tmp_path / "acct_1.sqlite", "acct_1")
    with opened.transaction() as store:
        move_money(store, type_="topup", amount=10_00, currency="eur", source=None)
    yield opened
    opened.close()


def test_a_balance_that_drifts_is_found(platform: Platform) -> None:
    with platform.transaction() as store:
        assert check_balances(store) == 1
        store.execute("UPDATE balance SET available = available + 1")

    with platform.transaction() as store, pytest.raises(InvariantError, match="acct_1 eur"):
        check_balances(store)


def test_a_clock_that_moves_over_drifted_books_stops(platform: Platform) -> None:
    with platform.transaction() as store:
        store.execute("UPDATE movement SET net = net - 1")

    with pytest.raises(InvariantError):
        platform.advance(platform.now + 1)


def test_a_movement_the_balance_did_not_take_undoes_its_request(platform: Platform) -> None:
    with platform.transaction() as store:
        store.execute(
            "CREATE TRIGGER lose_a_cent AFTER UPDATE ON balance WHEN NEW.available > 10"
            " BEGIN UPDATE balance SET available = 1; END"
        )

    with pytest.raises(InvariantError, match="differ"), platform.transaction() as store:
        move_money(store, type_="topup", amount=5_00, currency="eur", source=None)

    with platform.transaction() as store:
        assert balance_of(store, "eur") == (10_00, 0)
