"""The one read-write connection. Everything here runs in the writer thread and blocks.

In: rows ready to store. Out: committed, or one of two errors. `RowRefused`: these rows are poison, the disk is fine.
`DiskFailed`: the disk or file did not do it, and whether the transaction is in is unknown until it is asked again.
"""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from secd.model.errors import StoreFailed
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached
from secd.runtime.ids import UlidSource
from secd.store import schema
from secd.store.batch import Batch, Counters
from secd.store.lock import StoreLock
from secd.store.reading import load_counters, load_start
from secd.store.stored import StartState

BUSY_S_MAX = 5.0
_ID_CHUNK = 500
_REMEDIES = {
    "SQLITE_FULL": ("the disk is full", "free space on the store's disk; secd goes on by itself"),
    "SQLITE_IOERR": ("the disk fails to read or write", "look at the kernel log and replace the disk"),
    "SQLITE_READONLY": ("the store may not be written", "make the store's directory writable for secd"),
    "SQLITE_CORRUPT": ("the store's file is damaged", "stop secd, keep the file for evidence, restore the backup"),
    "SQLITE_NOTADB": ("the store's file is no store", "stop secd, keep the file for evidence, restore the backup"),
    "SQLITE_CANTOPEN": ("the store cannot be opened", "see that its directory exists and secd may write there"),
    "SQLITE_BUSY": ("another program holds the store's file", "end the program that opened the store for writing"),
}


class DiskFailed(StoreFailed):
    """The disk or the file would not. `full`: for want of space, so that a ballast can help."""

    def __init__(self, what: str, *, remedy: str = "", full: bool = False) -> None:
        super().__init__(what)
        self.remedy = remedy
        self.full = full


class RowRefused(StoreFailed):
    """The database is well and does not take these rows."""


class Database:
    """Opens, migrates and writes one file, `path`. Closed and opened again after every failure."""

    def __init__(self, path: Path, *, site: str, clock: Clock) -> None:
        self.path = path
        self._site = site
        self._clock = clock
        self._lock = StoreLock(path)
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self.counters = Counters()
        self.epoch = ""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to write on."""
        return self._connection is not None

    def open(self) -> None:
        """Lock, connect, migrate, count. `StoreHeld`, `StoreFailed` (another site's), or `DiskFailed`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take(self._clock.now().utc)
        except OSError as error:
            raise DiskFailed(f"the store cannot be locked: {error}", full=error.errno == errno.ENOSPC) from error
        with disk_errors():
            self._engine = write_engine(self.path)
            connection = self._connection = self._engine.connect()
            try:
                with connection.begin():
                    migrate(connection)
                    self.epoch = self._claim(connection)
                    self.counters = load_counters(connection)
            except BaseException:
                self.close()
                raise

    def load(self) -> StartState:
        """What is stored, for the daemon to start from."""
        with disk_errors(), self._writable().begin():
            return load_start(self._writable())

    def commit(self, batch: Batch) -> None:
        """All of it in one transaction, durable on return; the counters follow."""
        connection = self._writable()
        with disk_errors():
            with connection.begin():
                for sql, rows in batch.statements():
                    connection.exec_driver_sql(sql, rows)
                if batch.holds_events:
                    reached("committing")
            if batch.holds_events:
                reached("committed")
            self.counters = batch.counters

    def stored_seqs(self, ids: Iterable[str]) -> dict[str, int]:
        """Which of these events are stored already, and where: asked after a commit of unknown result."""
        wanted, found = list(ids), {}
        connection = self._writable()
        with disk_errors(), connection.begin():
            for start in range(0, len(wanted), _ID_CHUNK):
                query = sa.select(schema.events.c.id, schema.events.c.seq).where(
                    schema.events.c.id.in_(wanted[start : start + _ID_CHUNK])
                )
                found.update({row.id: row.seq for row in connection.execute(query)})
        return found

    def close(self) -> None:
        """Drop the connection; the lock stays with the process until `release`."""
        connection, engine = self._connection, self._engine
        self._connection = self._engine = None
        with suppress(exc.DBAPIError, OSError):
            if connection is not None:
                connection.close()
        with suppress(exc.DBAPIError, OSError):
            if engine is not None:
                engine.dispose()

    def release(self) -> None:
        """Let another daemon have it."""
        self._lock.release()

    def _writable(self) -> sa.Connection:
        if self._connection is None:
            raise DiskFailed("the store is not open")
        return self._connection

    def _claim(self, connection: sa.Connection) -> str:
        row = connection.execute(sa.select(schema.meta.c.site, schema.meta.c.epoch)).first()
        if row is not None:
            if row.site != self._site:
                raise StoreFailed(f"the store {self.path} belongs to the site {row.site!r}, not to {self._site!r}")
            return str(row.epoch)
        now = self._clock.now().utc
        epoch = UlidSource().new(now)
        connection.execute(schema.meta.insert().values(site=self._site, epoch=epoch, created_us=schema.to_us(now)))
        return epoch


def write_engine(path: Path) -> sa.Engine:
    """WAL, every commit synced, and transactions that begin where SQLAlchemy says so."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.StaticPool, connect_args={"timeout": BUSY_S_MAX})

    @sa.event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=67108864", "cache_size=-16384"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def migrate(connection: sa.Connection) -> None:
    """Bring the schema to HEAD in the caller's transaction; nothing is loaded when it is there already."""
    at = None
    if sa.inspect(connection).has_table("alembic_version"):
        at = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if at == schema.HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DiskFailed(
            f"the store was written by another version of secd (schema {at})", remedy="run the newer secd again"
        ) from error


@contextmanager
def disk_errors() -> Iterator[None]:
    """One mapping from the database's errors to ours."""
    try:
        yield
    except (
        exc.IntegrityError,
        exc.DataError,
        exc.ProgrammingError,
        exc.InterfaceError,
        exc.NotSupportedError,
    ) as error:
        raise RowRefused(f"the store refuses a row: {error.orig}") from error
    except exc.DBAPIError as error:
        name = str(getattr(error.orig, "sqlite_errorname", ""))
        what, remedy = next(
            (text for code, text in _REMEDIES.items() if name.startswith(code)), ("the store failed", "")
        )
        raise DiskFailed(f"{what} ({error.orig})", remedy=remedy, full=name == "SQLITE_FULL") from error
    except (exc.StatementError, OverflowError) as error:
        raise RowRefused(f"the store refuses a row: {error}") from error
