"""The database: column types, transactions that begin as they mean to end, and row locks.

SQLite and PostgreSQL are both first-class. On SQLite a writing transaction begins
``IMMEDIATE``: the driver's default lets two of them read the same row and lose one write.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, cast

import psycopg
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from octo.errors import N_, NotFoundError
from octo.ids import PUBLIC_ID_LENGTH
from octo.search import translate

LARGEST_AMOUNT: Final = 10**12
BUSY_TIMEOUT_MS: Final = 10_000
REST_SECONDS: Final = 1.0

PASSING_TROUBLE: Final = (OperationalError, InternalError)
"""The database was busy, away or read-only, or ended a transaction that stood still: nothing was
kept, and the whole unit may be done again. The last two are PostgreSQL's class 25.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

_BEGIN_OPTION: Final = "octo_begin"
_OPEN_KEY: Final = "octo_transaction_open"
_RESTS_KEY: Final = "octo_rests_since"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC, on both databases; a naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_big_integer = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

Id = Annotated[int, mapped_column(_big_integer, primary_key=True)]
PublicId = Annotated[str, mapped_column(sa.String(PUBLIC_ID_LENGTH), unique=True)]
Minor = Annotated[int, mapped_column(sa.BigInteger())]
Currency = Annotated[str, mapped_column(sa.String(3))]
Instant = Annotated[datetime, mapped_column(UtcDateTime())]

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What every table shares: named constraints and typed columns."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcDateTime(),
            dict[str, Any]: sa.JSON(),
            list[str]: sa.JSON(),
        },
    )


db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"expire_on_commit": False, "autoflush": True},
)

if TYPE_CHECKING:

    class Model(Base):
        """The base of every table."""

        __abstract__ = True
else:
    Model = db.Model


def big_id(target: str, **kwargs: Any) -> Any:
    """Make a foreign key column to ``target`` (``"table.id"``), indexed by its own rules."""
    return mapped_column(_big_integer, sa.ForeignKey(target), **kwargs)


def status_column(enum: type[Any], **kwargs: Any) -> Any:
    """Make a column of an enum kept as its lower-case value, with a named CHECK.

    Kept as text, so that adding a state is a change of the CHECK on both databases.
    """
    values = [member.value for member in enum]
    kind = sa.Enum(
        enum,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=24,
        values_callable=lambda _: values,
        name=f"{_snake(enum.__name__)}_known",
    )
    return mapped_column(kind, **kwargs)


def sum_or_zero(amount: Any) -> sa.ColumnElement[int]:
    """Return the sum of amounts in SQL, in their unit; 0 of none."""
    return sa.func.coalesce(sa.func.sum(amount), 0)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def configure_engine(engine: sa.Engine) -> None:
    """Make a SQLite engine durable and honest, and a PostgreSQL one sure of its connections."""
    if engine.dialect.name == "sqlite":
        _make_durable(engine)
    else:
        _bind_on_the_server(engine)
        _ask_after_a_rest(engine)


def _bind_on_the_server(engine: sa.Engine) -> None:
    """Have server-side cursors take ``$1`` as all the others do; see ``octo.app``."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.server_cursor_factory = psycopg.RawServerCursor


def _ask_after_a_rest(engine: sa.Engine) -> None:
    """Ask a connection that rested whether it still stands before it is given out again.

    A server that went away is noticed so; one in steady use is not asked every time, which
    would be a round trip more for every transaction.
    """

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_KEY] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        now = time.monotonic()
        if now - record.info.get(_RESTS_KEY, now) < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error


def _make_durable(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None
        connection.create_function("translate", 3, translate, deterministic=True)
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get(_BEGIN_OPTION, "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def transaction() -> Iterator[Session]:
    """Run one unit of writing: all of it is committed, or none.

    Any read still open is ended first and loaded objects are read anew, so that a decision
    is made on what is true now. Never call Stripe inside. Nesting is a bug.
    """
    session = db.session()
    assert not session.info.get(_OPEN_KEY), "transactions do not nest"
    is_changed = bool(session.new or session.dirty or session.deleted)
    assert not is_changed, "a change outside transaction()"
    if session.in_transaction():
        session.commit()
    session.expire_all()
    session.info[_OPEN_KEY] = True
    try:
        session.connection(execution_options={_BEGIN_OPTION: "IMMEDIATE"})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info[_OPEN_KEY] = False


@contextmanager
def joined_transaction() -> Iterator[Session]:
    """Write in the unit that is open, or in one of its own: for what libraries call at any time."""
    session = db.session()
    if session.info.get(_OPEN_KEY):
        yield session
    else:
        with transaction() as own:
            yield own


Run = Callable[[str, Any], Iterable[Any]]


@contextmanager
def alone() -> Iterator[tuple[str, Run]]:
    """Give the dialect's name and the driver's own way to run SQL, for writing without a session.

    On PostgreSQL every statement is a transaction of its own, in one round trip: run one. On
    SQLite all that is run is one ``IMMEDIATE`` transaction. A list of values runs the
    statement for each.
    """
    assert not db.session().info.get(_OPEN_KEY), "alone() inside transaction()"
    engine = db.engine
    errors = engine.dialect.loaded_dbapi.Error
    is_sqlite = engine.dialect.name == "sqlite"
    lent = engine.raw_connection()
    driver: Any = lent.driver_connection

    def run(sql: str, values: Any) -> Iterable[Any]:
        cursor = driver.cursor()
        execute = cursor.executemany if isinstance(values, list) else cursor.execute
        return cast("Iterable[Any]", execute(sql, values))

    try:
        if is_sqlite:
            driver.execute("BEGIN IMMEDIATE")
        else:
            driver.autocommit = True
        yield engine.dialect.name, run
        if is_sqlite:
            driver.execute("COMMIT")
        else:
            driver.autocommit = False
    except BaseException as error:
        if is_sqlite:
            driver.rollback()
        lent.invalidate(error)
        if isinstance(error, errors):
            known = sa.exc.DBAPIError.instance(None, None, error, errors, dialect=engine.dialect)
            raise known from error
        raise
    lent.close()


@contextmanager
def reading() -> Iterator[Session]:
    """Read, inside the transaction that is open or in a short one of its own."""
    session = db.session()
    if session.info.get(_OPEN_KEY):
        yield session
        return
    try:
        yield session
    except BaseException:
        session.rollback()
        raise
    session.commit()


@contextmanager
def snapshot() -> Iterator[Session]:
    """Read many things as they were at one instant, whatever others commit meanwhile.

    A reading transaction of SQLite is that already; PostgreSQL is asked for it.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    options = {} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with (
        db.engine.connect().execution_options(**options) as connection,
        Session(bind=connection) as session,
    ):
        yield session


T = TypeVar("T", bound=Base)


def lock(session: Session, model: type[T], **by: object) -> T:
    """Lock the one row that ``by`` names, refreshed, until the transaction ends.

    Raises ``NotFoundError`` when there is none. ``session.get(with_for_update=True)`` would
    lock without refreshing a row already held; this does both.
    """
    assert session.info.get(_OPEN_KEY), "lock() outside transaction()"
    statement = (
        sa.select(model)
        .filter_by(**by)
        .with_for_update(of=model)
        .execution_options(populate_existing=True)
    )
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return row


def lock_all(
    session: Session, model: type[T], *wanted: sa.ColumnElement[bool], limit: int | None = None
) -> Sequence[T]:
    """Lock rows in the order of their ids, refreshed, until the transaction ends."""
    assert session.info.get(_OPEN_KEY), "lock_all() outside transaction()"
    statement = (
        sa.select(model)
        .where(*wanted)
        .order_by(sa.inspect(model).primary_key[0])
        .limit(limit)
        .with_for_update(of=model)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()
