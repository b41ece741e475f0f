"""Long lists: a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

PAGE_SIZE: Final = 50
LAST_PAGE: Final = 100_000

Item = TypeVar("Item")
Query = TypeVar("Query", bound=sa.Select[*tuple[Any, ...]])


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list, and which one follows it, if any."""

    items: Sequence[Item]
    page: int
    next_page: int | None


@dataclass(frozen=True)
class Window:
    """Which page of a list to read; one row more is read, to know whether others follow."""

    page: int = 1
    size: int = PAGE_SIZE

    @property
    def offset(self) -> int:
        """Return how many rows come before."""
        return (self.page - 1) * self.size

    def of(self, statement: Query) -> Query:
        """Narrow a query down to this window."""
        return statement.offset(self.offset).limit(self.size + 1)

    def cut(self, found: Sequence[Item]) -> Page[Item]:
        """Make a page of what a narrowed query found."""
        has_more = len(found) > self.size and self.page < LAST_PAGE
        return Page(found[: self.size], self.page, self.page + 1 if has_more else None)


def narrowed(statement: Query, window: Window | None) -> Query:
    """Narrow a query down to a window, or leave it whole without one."""
    return statement if window is None else window.of(statement)
