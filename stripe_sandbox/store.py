"""One platform's objects inside one transaction: find, list, save, schedule."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stripe_sandbox.errors import no_such
from stripe_sandbox.objects import Json

_INDEXED: Final[dict[str, tuple[str, ...]]] = {}


def index_fields(type_: str, *fields: str) -> None:
    """Declare the fields by which lists of this type are filtered."""
    _INDEXED[type_] = fields


@dataclass
class Transaction:
    """One write transaction of a platform, shared by the stores of all its accounts."""

    connection: sqlite3.Connection
    own_account: str
    now: int
    settings: Json
    request: Json | None = None
    seen: dict[str, Json] = field(default_factory=dict)
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    money_moved: dict[tuple[str, str], int] = field(default_factory=dict)
    deliveries: int = 0
    base_url: str = ""


@dataclass
class Page:
    """One page of a list, newest first."""

    rows: list[Json]
    has_more: bool


@dataclass(frozen=True)
class Cursor:
    """Where a page starts, and how far it goes."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class Store:
    """The objects of one account of the platform, or of the platform itself."""

    def __init__(self, transaction: Transaction, account: str) -> None:
        self.transaction = transaction
        self.account = account

    @property
    def now(self) -> int:
        return self.transaction.now

    @property
    def settings(self) -> Json:
        return self.transaction.settings

    @property
    def is_platform(self) -> bool:
        return self.account == self.transaction.own_account

    def on(self, account: str) -> Store:
        """Return the store of another account, in the same transaction."""
        return Store(self.transaction, account)

    @property
    def platform(self) -> Store:
        return self.on(self.transaction.own_account)

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        return self.transaction.connection.execute(sql, tuple(values))

    # --- objects -----------------------------------------------------------

    def add(self, stored: Json) -> Json:
        """Keep a new object; it must have ``id`` and ``object``."""
        type_ = stored["object"]
        row = self.execute(
            "INSERT INTO object (id, type, account, created, body) VALUES (?, ?, ?, ?, ?)",
            (
                stored["id"],
                type_,
                self.account,
                created if isinstance(created := stored.get("created"), int) else self.now,
                _dump(stored),
            ),
        )
        assert row.lastrowid is not None
        self.transaction.seen[stored["id"]] = stored
        self.transaction.rows[stored["id"]] = (row.lastrowid, self.account)
        self._index(stored, row.lastrowid)
        return stored

    def save(self, stored: Json) -> Json:
        """Write an object that was changed."""
        seq = self._seq(stored["id"])
        self.execute("UPDATE object SET body = ? WHERE seq = ?", (_dump(stored), seq))
        self.execute("DELETE FROM object_field WHERE seq = ?", (seq,))
        self._index(stored, seq)
        return stored

    def delete(self, id_: str) -> None:
        seq = self._seq(id_)
        self.execute("DELETE FROM object_field WHERE seq = ?", (seq,))
        self.execute("DELETE FROM object WHERE seq = ?", (seq,))
        self.transaction.seen.pop(id_, None)
        self.transaction.rows.pop(id_, None)

    def find(self, id_: str, type_: str | None = None) -> Json | None:
        """Return the object of this account, the same ``dict`` each time within a transaction."""
        if id_ not in self.transaction.seen:
            row = self.execute(
                "SELECT id, seq, body, account FROM object WHERE id = ?", (id_,)
            ).fetchone()
            if row is None:
                return None
            self._keep(*row)
        stored = self.transaction.seen[id_]
        if self.transaction.rows[id_][1] != self.account:
            return None
        if type_ is not None and stored["object"] != type_:
            return None
        return stored

    def get(self, id_: str, type_: str, *, param: str = "id") -> Json:
        """Return the object, or refuse as Stripe does: 404 in a path, 400 in a parameter."""
        if (found := self.find(id_, type_)) is None:
            raise no_such(type_, id_, param=param, status=404 if param == "id" else 400)
        return found

    def select(self, type_: str, **fields: str) -> list[Json]:
        """Return every object with these (indexed) fields, oldest first."""
        rows = self._query(type_, fields, {}, None, newest_first=False, limit=-1)
        return [self._keep(*row, self.account) for row in rows]

    def page(
        self,
        type_: str,
        fields: Mapping[str, str],
        created: Mapping[str, int],
        cursor: Cursor,
    ) -> Page:
        """Return one page of a list, newest first."""
        backwards = cursor.ending_before is not None
        anchor = cursor.ending_before or cursor.starting_after
        bound: tuple[str, int] | None = None
        if anchor is not None:
            name = "ending_before" if backwards else "starting_after"
            self.get(anchor, type_, param=name)
            bound = (">" if backwards else "<", self._seq(anchor))
        rows = self._query(
            type_, fields, created, bound, newest_first=not backwards, limit=cursor.limit + 1
        )
        found = [self._keep(*row, self.account) for row in rows[: cursor.limit]]
        if backwards:
            found.reverse()
        return Page(found, has_more=len(rows) > cursor.limit)

    def _query(
        self,
        type_: str,
        fields: Mapping[str, str],
        created: Mapping[str, int],
        bound: tuple[str, int] | None,
        *,
        newest_first: bool,
        limit: int,
    ) -> list[tuple[str, int, str]]:
        joins, where, values = "", "object.account = ? AND object.type = ?", [self.account, type_]
        bindings: list[Any] = []
        column = "object.seq"
        for name, value in fields.items():
            assert name in _INDEXED.get(type_, ()), f"{type_}.{name} is not indexed"
            if joins:
                where += (
                    " AND EXISTS (SELECT 1 FROM object_field WHERE account = ? AND type = ?"
                    " AND field = ? AND value = ? AND seq = object.seq)"
                )
            else:
                joins, column = "object_field f CROSS JOIN object ON object.seq = f.seq", "f.seq"
                where += " AND f.account = ? AND f.type = ? AND f.field = ? AND f.value = ?"
            bindings += [self.account, type_, name, str(value)]
        for sign, instant in created.items():
            where += f" AND {column} {sign[0]}= ?"
            bindings.append(self._edge(type_, sign, instant))
        if bound is not None:
            where += f" AND {column} {bound[0]} ?"
            bindings.append(bound[1])
        order = "DESC" if newest_first else "ASC"
        sql = (
            "SELECT object.id, object.seq, object.body"  # noqa: S608  # built of literals
            f" FROM {joins or 'object'} WHERE {where} ORDER BY {column} {order} LIMIT ?"
        )
        return self.execute(sql, [*values, *bindings, limit]).fetchall()

    def _edge(self, type_: str, sign: str, instant: int) -> int | None:
        """Return the first, or last, row on one side of an instant: rows are kept in its order."""
        order = "ASC" if sign[0] == ">" else "DESC"
        found = self.execute(
            "SELECT seq FROM object WHERE account = ? AND type = ?"  # noqa: S608  # literals
            f" AND created {sign} ? ORDER BY created {order}, seq {order} LIMIT 1",
            (self.account, type_, instant),
        ).fetchone()
        return found[0] if found else None

    def _keep(self, id_: str, seq: int, body: str, account: str) -> Json:
        if id_ in self.transaction.seen:
            return self.transaction.seen[id_]
        stored: Json = json.loads(body)
        self.transaction.seen[id_] = stored
        self.transaction.rows[id_] = (seq, account)
        return stored

    def _seq(self, id_: str) -> int:
        return self.transaction.rows[id_][0]

    def _index(self, stored: Json, seq: int) -> None:
        type_ = stored["object"]
        rows = [
            (self.account, type_, name, str(value), seq)
            for name in _INDEXED.get(type_, ())
            if (value := _field(stored, name)) is not None
        ]
        if rows:
            self.transaction.connection.executemany(
                "INSERT INTO object_field (account, type, field, value, seq)"
                " VALUES (?, ?, ?, ?, ?)",
                rows,
            )

    # --- what falls due -----------------------------------------------------

    def schedule(self, at: int, kind: str, subject: str = "") -> None:
        """Have the ``@when_due(kind)`` function called for ``subject`` at this instant."""
        self.execute(
            "INSERT OR IGNORE INTO due (at, kind, subject, account) VALUES (?, ?, ?, ?)",
            (at, kind, subject, self.account),
        )

    def unschedule(self, kind: str, subject: str) -> None:
        self.execute("DELETE FROM due WHERE kind = ? AND subject = ?", (kind, subject))


DueHandler = Callable[[Store, str], None]
_DUE_HANDLERS: Final[dict[str, DueHandler]] = {}


def when_due(kind: str) -> Callable[[DueHandler], DueHandler]:
    """Register what happens when something scheduled under ``kind`` falls due."""

    def register(handler: DueHandler) -> DueHandler:
        _DUE_HANDLERS[kind] = handler
        return handler

    return register


def run_due(store: Store, until: int) -> int:
    """Do everything due up to an instant, in order, each at its own instant."""
    done = 0
    end = max(store.now, until)
    while True:
        row = store.execute(
            "SELECT seq, at, kind, subject, account FROM due WHERE at <= ?"
            " ORDER BY at, seq LIMIT 1",
            (end,),
        ).fetchone()
        if row is None:
            store.transaction.now = end
            return done
        seq, at, kind, subject, account = row
        store.execute("DELETE FROM due WHERE seq = ?", (seq,))
        store.transaction.now = at
        _DUE_HANDLERS[kind](store.on(account), subject)
        done += 1


def _field(stored: Json, path: str) -> object:
    value: Any = stored
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _dump(stored: Json) -> str:
    return json.dumps(stored, separators=(",", ":"), ensure_ascii=False)
