"""Reading beside the writer: read-only connections, which can neither write nor checkpoint, in two threads.

In: queries of `reading`. Out: values, or `StoreFailed` when the file cannot be read. `ReadOnlyStore` is the same
without a daemon, for the command line.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from secd.model.alarm import Alarm
from secd.model.errors import Fault, StoreFailed
from secd.model.event import Stream
from secd.model.stream import StreamRow
from secd.model.time import Instant
from secd.store import reading
from secd.store.database import disk_errors
from secd.store.spool import Spool, overlay
from secd.store.stored import EventFilter, StartState, StoredEntry, StoredEvent

READERS = 2
_P = ParamSpec("_P")
_R = TypeVar("_R")


class LogReader:
    """The log and what is derived from it, as committed. Every call is one snapshot."""

    def __init__(self, path: Path) -> None:
        self._engine = read_engine(path)
        self._threads = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader")

    async def read_stream(self, stream: Stream, after: int, limit: int) -> list[StreamRow]:
        """Rows of a stream with a number above `after`, in order."""
        return await self._ask(reading.read_stream, stream, after, limit)

    async def find_events(self, wanted: EventFilter) -> list[StoredEvent]:
        """Events that pass the filter."""
        return await self._ask(reading.find_events, wanted)

    async def get_event(self, event_id: str) -> StoredEvent | None:
        """One event by its id."""
        return await self._ask(reading.get_event, event_id)

    async def entries(self, from_seq: int, limit: int = 500) -> list[StoredEntry]:
        """Inputs from a sequence number on, each with its findings, for a replay; ask on from the last `seq` + 1."""
        return await self._ask(reading.read_entries, from_seq, limit)

    async def open_alarms(self) -> tuple[Alarm, ...]:
        """Alarms that are not closed."""
        return await self._ask(reading.load_open_alarms)

    async def recently_closed_alarms(self, limit: int) -> tuple[Alarm, ...]:
        """Closed alarms, the latest first."""
        return await self._ask(reading.load_closed_alarms, limit)

    async def delivery_cursor(self, destination: str, stream: Stream) -> int:
        """How far a destination has a stream."""
        return await self._ask(reading.get_delivery_cursor, destination, stream)

    async def sealed_read(self, event_id: str) -> bytes | None:
        """The sealed raw read of an unknown card."""
        return await self._ask(reading.get_sealed_read, event_id)

    async def read_state(self) -> StartState:
        """Everything a daemon would start from."""
        return await self._ask(reading.load_start)

    async def read_marks(self) -> Mapping[Stream, int]:
        """The newest number of each stream, from the file."""
        counters = await self._ask(reading.load_counters)
        return {Stream(name): upto for name, upto in counters.streams.items()}

    def close_readers(self) -> None:
        """End the threads; a query under way is let finish by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    async def _ask(
        self, query: Callable[Concatenate[sa.Connection, _P], _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        def read() -> _R:
            with disk_errors(), self._engine.connect() as connection, connection.begin():
                return query(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, read)


class ReadOnlyStore(LogReader):
    """A store read without a daemon, or beside one."""

    @classmethod
    async def open(cls, path: Path) -> "ReadOnlyStore":
        """`StoreFailed` when there is none at `path` or it cannot be read."""
        _require(path)
        store = cls(path)
        try:
            await store.read_marks()
        except BaseException:
            store.close_readers()
            raise
        return store

    async def close(self) -> None:
        """Let the file go."""
        self.close_readers()


def _require(path: Path) -> None:
    if not path.is_file():
        raise StoreFailed(f"there is no store at {path}")


def read_engine(path: Path, *, immutable: bool = False) -> sa.Engine:
    """Connections that cannot write. `immutable` ignores the write-ahead log and is only for a disk that takes no lock."""
    mode = "mode=ro&immutable=1" if immutable else "mode=ro"
    engine = sa.create_engine(
        f"sqlite:///file:{quote(str(path))}?{mode}&uri=true", poolclass=sa.pool.QueuePool, pool_size=READERS
    )

    @sa.event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def read_start(path: Path) -> StartState:
    """What can be read of a store that cannot be written; empty when nothing can."""
    log = path.with_name(path.name + "-wal")
    logged = log.exists() and log.stat().st_size > 0
    for immutable in (False,) if logged else (False, True):
        engine = read_engine(path, immutable=immutable)
        try:
            with disk_errors(), engine.connect() as connection, connection.begin():
                return reading.load_start(connection)
        except (StoreFailed, Fault):
            continue
        finally:
            engine.dispose()
    return StartState()


def newest_instant(path: Path, spool_path: Path | None = None) -> Instant | None:
    """When the newest stored event was seen, for the clock to go on from; None where nothing can be read."""
    entries, _ = Spool(spool_path).read()
    return overlay(read_start(path) if path.is_file() else StartState(), entries).last
