"""What a check of the ledger finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Fault:
    """One thing wrong: the rule it breaks, what it is about, how, and whose money it touches."""

    rule: str
    subject: str
    what: str
    campaign_id: int | None = None


Check = Callable[[Session], Iterator[Fault]]
