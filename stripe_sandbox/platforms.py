"""The platforms: one per secret key, each with its own file, lock, clock and settings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stripe_sandbox.errors import ApiError
from stripe_sandbox.objects import Json
from stripe_sandbox.schema import SCHEMA
from stripe_sandbox.store import Store, Transaction, run_due

DEFAULT_SETTINGS: Final[Json] = {
    "pending_days": 7,
    "fee_basis_points": 150,
    "fee_fixed_amount": 25,
    "dispute_fee_amount": 20_00,
    "refund_seconds": 10,
    "default_currency": "eur",
    "country": "FR",
    "business_name": "Octo",
    "webhooks": {
        "paused": False,
        "duplicate": "no",
        "reorder": False,
        "delay_seconds": 0,
        "drop": 0,
        "before_response": False,
        "timeout_seconds": 10,
    },
}
_MAX_OPEN: Final = 64
_ROLLED: Final = re.compile(r"_rolled\d+$")


class InvariantError(AssertionError):
    """The balance transactions do not sum to the balance: a bug of the sandbox."""


class Platform:
    """One platform account of Stripe, kept in one SQLite file and written by one at a time."""

    def __init__(self, path: Path, account: str) -> None:
        self.account = account
        self.lock = threading.RLock()
        self.keys_in_progress: set[str] = set()
        self.keys_lock = threading.Lock()
        self.delivery_lock = threading.Lock()
        self.users = 0
        self.used_at = time.monotonic()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(SCHEMA)
        self.settings: Json = json.loads(json.dumps(DEFAULT_SETTINGS))
        self.clock_offset = 0
        self._held: tuple[int, float] | None = None
        for name, value in self._connection.execute("SELECT name, value FROM setting"):
            if name == "clock_offset":
                self.clock_offset = int(value)
            else:
                self.settings[name] = json.loads(value)
        self.next_due: int | None = None
        self.next_delivery: int | None = None
        self._look_ahead()

    @property
    def now(self) -> int:
        """Return business time: the real one, moved by what the clock was advanced.

        While it is held it stands still; then it is what it would be.
        """
        held = self._held
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        return int(time.time()) + self.clock_offset

    def hold(self, seconds: int) -> None:
        """Have business time stand still for so many real seconds at most; 0 lets it go on."""
        with self.lock:
            self._held = (self.now, time.monotonic() + seconds) if seconds else None

    @contextlib.contextmanager
    def transaction(
        self, *, account: str | None = None, request: Json | None = None, base_url: str = ""
    ) -> Iterator[Store]:
        """Yield the store of one atomic change; what fell due meanwhile is done first and last."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            work = Transaction(
                self._connection, self.account, self.now, self.settings, request, base_url=base_url
            )
            store = Store(work, account or self.account)
            try:
                run_due(store, self.now)
                yield store
                run_due(store, work.now)
                _check_money_moved(store)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self._look_ahead()

    @contextlib.contextmanager
    def attempt(self, store: Store) -> Iterator[None]:
        """Undo what is written inside if it is refused, unless the refusal leaves a trace."""
        store.execute("SAVEPOINT attempt")
        balances = dict(store.transaction.money_moved)
        try:
            yield
        except ApiError as refusal:
            if not refusal.keep:
                store.execute("ROLLBACK TO attempt")
                store.transaction.seen.clear()
                store.transaction.rows.clear()
                store.transaction.money_moved.clear()
                store.transaction.money_moved.update(balances)
            store.execute("RELEASE attempt")
            raise
        store.execute("RELEASE attempt")

    def advance(self, to: int, *, keeps_keys: bool = False) -> int:
        """Move business time, doing what falls due on the way; return how much that was.

        It goes back only while nothing is kept yet, so that a demo may start in the past.
        With ``keeps_keys`` idempotency keys grow no older by it, as they do in real time alone.
        """
        with self.transaction() as store:
            if to < store.now and store.execute("SELECT 1 FROM object LIMIT 1").fetchone():
                raise ApiError("The clock goes back only while the account is empty.", param="to")
            done = run_due(store, to)
            self._held = None
            if keeps_keys:
                store.execute("UPDATE saved_answer SET created = created + ?", (to - self.now,))
            self.clock_offset += to - self.now
            self._set(store, "clock_offset", self.clock_offset)
            check_balances(store)
        return done

    def configure(self, changes: Json) -> Json:
        """Change settings and return them all."""
        with self.transaction() as store:
            for name, value in changes.items():
                if name not in DEFAULT_SETTINGS:
                    raise ApiError(f"Unknown setting: {name}", param=name)
                kept = self.settings[name]
                merged = {**kept, **value} if isinstance(kept, dict) else value
                self.settings[name] = merged
                self._set(store, name, merged)
        return self.settings

    def reset(self) -> None:
        """Forget everything of this platform: objects, clock, keys, endpoints, faults."""
        with self.transaction() as store:
            tables = store.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            for (table,) in tables:
                store.execute(f"DELETE FROM {table}")  # noqa: S608
            self.settings = store.transaction.settings = json.loads(json.dumps(DEFAULT_SETTINGS))
            self.clock_offset = 0
            store.transaction.now = self.now

    def close(self) -> None:
        with self.lock:
            self._connection.close()

    def _set(self, store: Store, name: str, value: object) -> None:
        store.execute(
            "INSERT INTO setting (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def _look_ahead(self) -> None:
        self.next_due, self.next_delivery = self._connection.execute(
            "SELECT (SELECT MIN(at) FROM due),"
            " (SELECT MIN(next_at) FROM delivery WHERE state = 'waiting')"
        ).fetchone()


def _check_money_moved(store: Store) -> None:
    """Compare what this transaction's movements add up to with what the balances gained."""
    wrong = {key: amount for key, amount in store.transaction.money_moved.items() if amount}
    if wrong:
        raise InvariantError(f"balances and balance transactions differ: {wrong}")


def check_balances(store: Store) -> int:
    """Compare every balance with the sum of its balance transactions; return how many."""
    rows = store.execute(
        "SELECT account, currency, available, pending,"
        " (SELECT COALESCE(SUM(net), 0) FROM movement WHERE movement.account = balance.account"
        "  AND movement.currency = balance.currency AND is_available),"
        " (SELECT COALESCE(SUM(net), 0) FROM movement WHERE movement.account = balance.account"
        "  AND movement.currency = balance.currency AND NOT is_available)"
        " FROM balance"
    ).fetchall()
    for account, currency, available, pending, summed_available, summed_pending in rows:
        if (available, pending) != (summed_available, summed_pending):
            raise InvariantError(f"{account} {currency}: balance and transactions differ")
    return len(rows)


class Platforms:
    """Every platform met so far, by secret key; idle ones are closed and reopened at need."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, Platform] = {}
        self._lock = threading.Lock()
        newest = sorted(path.glob("acct_*.sqlite"), key=lambda file: -file.stat().st_mtime)
        for file in newest[: _MAX_OPEN // 4]:
            self._open[file.stem] = Platform(file, file.stem)

    @staticmethod
    def account_of(secret_key: str) -> str:
        """Return the account a key opens; rolling a key, to ``…_rolled2``, opens the same one."""
        first_key = _ROLLED.sub("", secret_key)
        return f"acct_{hashlib.sha256(first_key.encode()).hexdigest()[:16]}"

    def exists(self, account: str) -> bool:
        return account.removeprefix("acct_").isalnum() and (
            account in self._open or (self.path / f"{account}.sqlite").exists()
        )

    def recent(self, count: int) -> list[str]:
        """Return the accounts written last."""
        files = sorted(self.path.glob("acct_*.sqlite"), key=lambda file: -file.stat().st_mtime)
        return [file.stem for file in files[:count]]

    @contextlib.contextmanager
    def using(self, account: str) -> Iterator[Platform]:
        """Yield a platform that stays open meanwhile."""
        with self._lock:
            platform = self._open.get(account)
            if platform is None:
                self._make_room()
                platform = Platform(self.path / f"{account}.sqlite", account)
                self._open[account] = platform
            platform.users += 1
            platform.used_at = time.monotonic()
        try:
            yield platform
        finally:
            with self._lock:
                platform.users -= 1

    def with_work(self) -> list[str]:
        """Return the accounts of which something is due, or has a webhook to send, now."""
        with self._lock:
            return [
                account
                for account, platform in self._open.items()
                if _is_due(platform.next_due, platform)
                or (
                    _is_due(platform.next_delivery, platform)
                    and not platform.settings["webhooks"]["paused"]
                )
            ]

    def close(self) -> None:
        with self._lock:
            for platform in self._open.values():
                platform.close()
            self._open.clear()

    def _make_room(self) -> None:
        idle = [
            platform
            for platform in self._open.values()
            if platform.users == 0 and platform.next_delivery is None
        ]
        idle.sort(key=lambda platform: platform.used_at)
        for platform in idle[: max(0, len(self._open) - _MAX_OPEN + 1)]:
            del self._open[platform.account]
            platform.close()


def _is_due(instant: int | None, platform: Platform) -> bool:
    return instant is not None and instant <= platform.now
