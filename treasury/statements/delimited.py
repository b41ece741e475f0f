"""CSV in two profiles: one that a French Excel opens by a double click, one for programs."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from octo.money import to_decimal

LINES_AT_A_TIME: Final = 500
_READ_AS_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units beside its currency, as a cell."""

    amount: int
    currency: str


Cell = str | datetime | Money | None


@dataclass(frozen=True)
class Profile:
    """How a CSV file is written for one kind of reader."""

    name: str
    encoding: str
    delimiter: str
    line_end: str
    decimal_point: str
    date_format: str | None
    is_guarded: bool

    def write(self, cell: Cell, time_zone: tzinfo) -> str:
        """Write one cell; numbers stay numbers, and no text is ever taken for a formula."""
        match cell:
            case None:
                return ""
            case Money(amount, currency):
                return str(to_decimal(amount, currency)).replace(".", self.decimal_point)
            case datetime():
                return self._write_date(cell, time_zone)
        return f"'{cell}" if self.is_guarded and cell.startswith(_READ_AS_FORMULAS) else cell

    def _write_date(self, instant: datetime, time_zone: tzinfo) -> str:
        if self.date_format is None:
            return instant.astimezone(UTC).isoformat()
        return instant.astimezone(time_zone).strftime(self.date_format)


EXCEL: Final = Profile(
    name="excel",
    encoding="utf-8-sig",
    delimiter=";",
    line_end="\r\n",
    decimal_point=",",
    date_format="%d/%m/%Y",
    is_guarded=True,
)
MACHINE: Final = Profile(
    name="machine",
    encoding="utf-8",
    delimiter=",",
    line_end="\n",
    decimal_point=".",
    date_format=None,
    is_guarded=False,
)
PROFILES: Final = {profile.name: profile for profile in (EXCEL, MACHINE)}


def write_csv(
    lines: Iterable[Sequence[Cell]], profile: Profile, *, time_zone: tzinfo = UTC
) -> Iterator[bytes]:
    """Write lines as bytes, some hundreds at a time, whatever their number."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=profile.delimiter, lineterminator=profile.line_end)
    encoding = profile.encoding
    for number, line in enumerate(lines, start=1):
        writer.writerow([profile.write(cell, time_zone) for cell in line])
        if number % LINES_AT_A_TIME == 0:
            yield buffer.getvalue().encode(encoding)
            encoding = encoding.removesuffix("-sig")  # the mark stands once, at the beginning
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode(encoding)
