"""``docs/faults.md`` names, for every fault, the tests that are marked with it."""

from pathlib import Path
from typing import Final

from tests.house.faults import ROW, TABLE, shown_by_tests, told

FAULTS: Final = [f"F{number}" for number in (*range(1, 38), 39, *range(42, 46))]

MARKED: Final = """
import pytest
pytestmark = [pytest.mark.slow, pytest.mark.fault("F1")]
@pytest.mark.fault("F2", "F3")
def test_it(): ...
"""


def test_the_document_is_what_the_marks_make_of_it() -> None:
    text = TABLE.read_text()

    assert text == told(text, shown_by_tests()), "python -m tests.house.faults writes it"


def test_every_fault_has_its_row_and_a_test() -> None:
    assert [row[2] for row in ROW.finditer(TABLE.read_text())] == FAULTS
    assert set(shown_by_tests()) == set(FAULTS)


def test_a_file_is_named_whole_and_a_test_by_itself(tmp_path: Path) -> None:
    (tmp_path / "test_marked.py").write_text(MARKED)

    shown = shown_by_tests(tmp_path)

    assert shown == {
        "F1": ["test_marked.py"],
        "F2": ["test_marked.py::test_it"],
        "F3": ["test_marked.py::test_it"],
    }
    row = "| F2 | it | must | `test_of_old.py` |"
    assert told(row, shown) == "| F2 | it | must | `test_marked.py::test_it` |"
