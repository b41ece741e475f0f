"""Texts people type are kept as they were typed, but for what nobody can see."""

import pytest

from octo.errors import InvalidError
from octo.text import clean_paragraphs, clean_text, slug_of


@pytest.mark.parametrize("title", ["L’école du dehors", "L'école du dehors"])
def test_both_apostrophes_part_the_words_of_an_address(title: str) -> None:
    assert slug_of(title, most=80) == "l-ecole-du-dehors"
    assert slug_of(title, most=8) == "l-ecole"


@pytest.mark.parametrize(
    "typed",
    [
        "Qui\u202f? «\u00a0Nous\u00a0»",
        "5\u202f000\u00a0€",
        "\U0001fae8 \U0001faea",  # younger than this Python's Unicode
        "\uf8ff",  # a private character, as some keyboards have
        "👩\u200d🌾 नमस्\u200cते",  # joined, and kept apart, by what is not seen
        "مرحبا",
    ],
)
def test_what_is_typed_is_kept(typed: str) -> None:
    assert clean_text(typed, field="title", most=100) == typed
    assert clean_paragraphs(f"{typed}\n\n{typed}", field="story", most=100) == f"{typed}\n\n{typed}"


@pytest.mark.parametrize(
    ("typed", "line", "paragraphs"),
    [
        ("\ufeff## Titre", "## Titre", "## Titre"),
        ("un\r\ndeux\rtrois", "un deux trois", "un\ndeux\ntrois"),
        ("1\v2\f3\u20284\u20295\x856", "1 2 3 4 5 6", "1\n2\n3\n4\n5\n6"),
        ("a\x00\x08b\x9f", "ab", "ab"),
        ("a\u202eb\u2066", "ab", "ab"),
        ("\ud800\uffff", "", ""),
        ("e\u0301te\u0301", "été", "été"),
        ("  a \t b  ", "a b", "  a \t b  "),
        ("\u00a0 \u202f", "", ""),
    ],
)
def test_what_nobody_sees_is_left_out_and_lines_end_in_one_way(
    typed: str, line: str, paragraphs: str
) -> None:
    assert clean_text(typed, field="title", most=100) == line
    assert clean_paragraphs(typed, field="story", most=100) == paragraphs


def test_a_text_is_measured_as_it_is_kept() -> None:
    assert clean_text("\ufeff12345 ", field="title", most=5) == "12345"
    with pytest.raises(InvalidError):
        clean_text("123456", field="title", most=5)
    with pytest.raises(InvalidError):
        clean_text("\u00a0\ufeff", field="title", most=5, is_required=True)
