"""What a benchmark gives: a figure with its unit, its target, and how it was come by."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

RESULTS: Final = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Figure:
    """One thing measured; a target of ``None`` only puts the others into proportion."""

    name: str
    value: float
    unit: str
    target: float | None = None
    higher_is_better: bool = True
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether the target is reached."""
        if self.target is None:
            return True
        difference = self.value - self.target
        return difference >= 0 if self.higher_is_better else difference <= 0


def write(figures: Sequence[Figure]) -> None:
    """Keep the figures as JSON beside the benchmarks."""
    RESULTS.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table("what", "value", "unit", "target", "note")
    for column in (1, 3):
        table.columns[column].justify = "right"
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:,.2f}"
        style = "" if figure.target is None else "green" if figure.is_met else "yellow"
        table.add_row(
            figure.name, f"{figure.value:,.2f}", figure.unit, target, figure.note, style=style
        )
    Console().print(table)
