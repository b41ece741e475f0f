"""Short texts, as addresses write them."""

import pytest

from octo.text import slug_of


@pytest.mark.parametrize("title", ["L’école du dehors", "L'école du dehors"])
def test_both_apostrophes_part_the_words_of_an_address(title: str) -> None:
    assert slug_of(title, most=80) == "l-ecole-du-dehors"
    assert slug_of(title, most=8) == "l-ecole"
