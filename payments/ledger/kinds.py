"""Kinds of transaction: what one declares, and the register of those there are.

Each is declared once, above, with ``register``. The database refuses a transaction of any
other: a new kind is its declaration, and a migration of the CHECK on ``kind``.
"""

from collections.abc import Callable, Iterator, KeysView
from dataclasses import dataclass
from typing import Final

from payments.ledger.accounts import Column
from payments.ledger.drafts import TransactionDraft
from payments.ledger.faults import Check

REVERSAL: Final = "reversal"

Rule = Callable[..., TransactionDraft | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionKind:
    """A business event that the ledger books, with all that others ask about it.

    ``label`` is a sentence to be translated. ``rule`` makes its entries, which move no
    ``columns`` of a campaign's statement but these. ``checks`` hold what it books against the
    rows beside the ledger; of one ``without_rows`` there are none, and its entries are believed.
    What ``pays_owner``, or takes that back, has a column of the statement of its own.
    """

    name: str
    label: str
    rule: Rule
    columns: frozenset[Column] = frozenset()
    checks: tuple[Check, ...] = ()
    without_rows: bool = False
    pays_owner: bool = False


_KINDS: Final[dict[str, TransactionKind]] = {}


def register(kind: TransactionKind) -> TransactionKind:
    """Add a kind of transaction: each name is declared once."""
    assert kind.name not in _KINDS, f"{kind.name} is a kind of transaction already"
    _KINDS[kind.name] = kind
    return kind


def iter_kinds() -> Iterator[TransactionKind]:
    """Give every kind there is, in the order of their declarations."""
    return iter(tuple(_KINDS.values()))


def get_kind(name: str) -> TransactionKind:
    """Return the kind of this name; ``KeyError`` when nobody declared it."""
    return _KINDS[name]


def kind_names() -> KeysView[str]:
    """Return a view of the names of all kinds: one declared later is seen in it."""
    return _KINDS.keys()
