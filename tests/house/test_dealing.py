"""Long tests are dealt evenly, however many workers there are."""

import pytest

from tests.dealing import dealt


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("long_count", [0, 7, 100])
def test_each_share_begins_with_its_part_of_the_long(workers: int, long_count: int) -> None:
    long = [f"long {number}" for number in range(long_count)]
    short = [f"short {number}" for number in range(303)]

    left = dealt(long, short, workers=workers)

    assert sorted(left) == sorted([*long, *short])
    for number in range(workers):
        size = len(left) // (workers - number)  # as xdist cuts them
        share, left = left[:size], left[size:]
        dealt_long = [item for item in share if item in long]
        assert share[: len(dealt_long)] == dealt_long
        assert len(dealt_long) - long_count // workers in {0, 1}
