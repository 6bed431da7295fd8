"""The store as the other rooms see it: append from the loop, read beside it, know whether it is well.

In: entries. Out: futures that resolve when an entry is durable, rows by stream, start state. A failing disk is a mode
(`degraded`), not an error: entries wait in memory and in a second place, and `on_trouble` says so. Refuses to open
what another daemon holds or another site wrote.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from secd.model.entry import Entry
from secd.model.errors import Fault, SecdError, StoreFailed
from secd.model.event import Stream
from secd.model.facts import Trouble
from secd.model.names import DeviceId, EventId
from secd.model.observation import DeviceCursor
from secd.runtime.clock import Clock, Quiescence
from secd.store.batch import Rides
from secd.store.database import Database
from secd.store.guard import Guard
from secd.store.reader import LogReader
from secd.store.schema import to_us
from secd.store.spool import Ballast, Spool
from secd.store.stored import StartState
from secd.store.waiting import Held, Waiting
from secd.store.writer import Committed, Writer

BATCH_MAX = 512
SPOOL_MAX = 20_000
BALLAST_BYTES = 8 * 1024 * 1024
COMMIT_S_MAX = 2.0
OPEN_S_MAX = 30.0
CLOSE_S_MAX = 5.0

OnTrouble = Callable[[str, Trouble], None]


class Store(LogReader):
    """The only room that opens the database. All methods are the loop's.

    `start` is what was found at open. `epoch` is the ULID of the store's first opening, "" until a store could be read:
    sequences count within it.
    """

    def __init__(
        self,
        path: Path,
        *,
        site: str,
        clock: Clock,
        on_trouble: OnTrouble,
        quiescence: Quiescence | None,
        spool_path: Path | None,
        spool_max: int,
        ballast_bytes: int,
        commit_s_max: float,
    ) -> None:
        super().__init__(path)
        self._loop = asyncio.get_running_loop()
        self._report = on_trouble
        self._quiescence = quiescence
        self.start = StartState()
        self.shed_count = 0
        self.epoch = ""
        self._shedding = False
        self._seq = 0
        self._marks: dict[Stream, int] = dict.fromkeys(Stream, 0)
        self._cursors: dict[DeviceId, DeviceCursor] = {}
        self._held_cursors: dict[DeviceId, DeviceCursor] = {}
        self._delivered: dict[tuple[str, Stream], int] = {}
        self._commit = asyncio.Event()
        self._started: asyncio.Future[SecdError | None] = self._loop.create_future()
        self._ended: asyncio.Future[BaseException | None] = self._loop.create_future()
        spool = Spool(spool_path)
        self._wake_guard = threading.Event()
        self._database = Database(path, site=site, clock=clock)
        self._writer = Writer(
            database=self._database,
            clock=clock,
            waiting=Waiting(limit=spool_max),
            spool=spool,
            ballast=Ballast(path, ballast_bytes),
            listener=self,
            post=self._post,
            wake_guard=self._wake_guard.set,
            where=str(path),
            batch_max=BATCH_MAX,
        )
        self._guard = Guard(self._writer, spool, self._wake_guard, commit_s_max=commit_s_max)
        self._work = [
            threading.Thread(target=self._writer.run, name="store-writer", daemon=True),
            threading.Thread(target=self._guard.run, name="store-guard", daemon=True),
        ]

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        site: str,
        clock: Clock,
        on_trouble: OnTrouble,
        quiescence: Quiescence | None = None,
        spool_path: Path | None = None,
        spool_max: int = SPOOL_MAX,
        ballast_bytes: int = BALLAST_BYTES,
        commit_s_max: float = COMMIT_S_MAX,
    ) -> "Store":
        """Open, or start degraded. `StoreFailed`: another daemon holds it, or it belongs to another site."""
        store = cls(
            path,
            site=site,
            clock=clock,
            on_trouble=on_trouble,
            quiescence=quiescence,
            spool_path=spool_path,
            spool_max=spool_max,
            ballast_bytes=ballast_bytes,
            commit_s_max=commit_s_max,
        )
        for thread in store._work:
            thread.start()
        try:
            async with asyncio.timeout(OPEN_S_MAX):
                refused = await asyncio.shield(store._started)
        except TimeoutError:
            return store  # the disk hangs: the guard has declared it, and the writer goes on trying
        if refused is not None:
            await store.close()
            raise refused
        return store

    @property
    def degraded(self) -> bool:
        """Entries wait in memory because the disk does not take them."""
        return self._writer.degraded

    @property
    def last_seq(self) -> int:
        """The newest durable sequence number over all streams."""
        return self._seq

    def append(self, entry: Entry) -> asyncio.Future[int]:
        """Store an entry with the next group. The future: its input's sequence number once durable.

        It fails with `Fault` (this entry cannot be stored) or `StoreFailed` (shed, or secd ends before the disk is back).
        """
        future: asyncio.Future[int] = self._loop.create_future()
        if self._quiescence is not None:
            self._quiescence.begin()
            future.add_done_callback(self._count_down)
        if entry.cursor is not None:
            self._held_cursors[entry.cursor[0]] = entry.cursor[1]
        if self._ended.done():
            _fail(future, StoreFailed("the store is closed"))
            return future
        shed = self._writer.put(entry, future)
        if shed is not None:
            self._on_shed(shed)
        if self._writer.degraded:
            self._wake_guard.set()
        return future

    def marks(self) -> Mapping[Stream, int]:
        """The newest durable number of each stream."""
        return dict(self._marks)

    async def wait_for_commit(self) -> None:
        """Return at the next commit. Look at `marks()` first: one that is over is not waited for."""
        await self._commit.wait()

    def committed_cursor(self, device: DeviceId) -> DeviceCursor | None:
        """How far a device may be acknowledged: what is committed; while degraded, what is held in memory and spool."""
        if self.degraded and device in self._held_cursors:
            return self._held_cursors[device]
        return self._cursors.get(device)

    async def delivery_cursor(self, destination: str, stream: Stream) -> int:
        """How far a destination has a stream, saved or about to be."""
        known = self._delivered.get((destination, stream))
        return await super().delivery_cursor(destination, stream) if known is None else known

    async def save_delivery_cursor(self, destination: str, stream: Stream, upto: int) -> None:
        """Note how far a destination has a stream. Returns at once: a crash repeats a few rows, never skips one."""
        self._delivered[destination, stream] = upto
        self._writer.ride(Rides(delivered={(destination, stream.value): upto}))

    def keep_sealed(self, event_id: EventId, sealed: bytes, until: datetime) -> None:
        """Keep a sealed raw read beside the log until a day (S21). Returns at once."""
        self._writer.ride(Rides(sealed={event_id: (sealed, to_us(until))}))

    async def prune_sealed(self) -> None:
        """Forget sealed reads whose day has come, soon: every commit does, but a quiet building commits nothing."""
        self._writer.ride(Rides(prune=True))

    async def answers_within(self, seconds: float) -> bool:
        """For the watchdog: the writer came by, or has said that the disk fails."""
        if self._ended.done():
            return False
        if self._writer.degraded:
            return True
        answer: asyncio.Future[None] = self._loop.create_future()
        self._writer.ping(answer)
        try:
            async with asyncio.timeout(seconds):
                await answer
        except TimeoutError:
            return self.degraded and not self._ended.done()
        return True

    async def run(self) -> None:
        """Ends when the store is closed; raises when the writer fell, which secd does not survive."""
        error = await asyncio.shield(self._ended)
        if error is not None:
            raise Fault("the store's writer fell") from error

    async def close(self) -> None:
        """Store what waits, in at most CLOSE_S_MAX seconds; what is left then is in the second place, if there is one."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_S_MAX):
                await asyncio.shield(self._ended)
        except TimeoutError:
            self._abandon(self._writer.unsaved_after(0))
        self._guard.stop()
        for thread in self._work if self._ended.done() else self._work[1:]:  # a writer whose disk hangs is left behind
            await self._loop.run_in_executor(None, thread.join, CLOSE_S_MAX)
        self._database.release()
        self.close_readers()

    # --- posted by the writer ----------------------------------------------------------------------------------------

    def on_started(self, start: StartState, refused: SecdError | None) -> None:
        """The writer opened the store, or found that it cannot."""
        self.start, self.epoch, self._seq = start, start.epoch, start.seq
        self._marks.update(start.marks)
        self._cursors.update(start.cursors)
        if not self._started.done():
            self._started.set_result(refused)

    def on_committed(self, committed: Committed) -> None:
        """A group is durable: numbers first, then whoever waits for them."""
        self._seq, self.epoch = committed.seq, committed.epoch
        self._marks.update(committed.marks)
        self._cursors.update(committed.cursors)
        for held in committed.settled:
            _settle(held)
        self._commit.set()
        self._commit = asyncio.Event()

    def on_trouble(self, kind: str, trouble: Trouble) -> None:
        """Pass a change of mode on, with what it cost."""
        if kind == "store.recovered" and self._shedding:
            self._shedding = False
            lost = f"{trouble.what}; {self.shed_count} events were not stored since secd started"
            trouble = Trouble(what=lost, where=trouble.where, remedy=trouble.remedy)
        self._report(kind, trouble)

    def on_ended(self, error: BaseException | None, left: Sequence[Held]) -> None:
        """The writer is over."""
        self._abandon(left)
        if not self._started.done():
            self._started.set_result(None)
        if not self._ended.done():
            self._ended.set_result(error)

    # --- private -----------------------------------------------------------------------------------------------------

    def _on_shed(self, shed: Held) -> None:
        self.shed_count += 1
        shed.fault = StoreFailed("not stored: the disk fails and what is kept in memory is full")
        _settle(shed)
        if not self._shedding:
            self._shedding = True
            what = "events are no longer stored: the disk fails and what is kept in memory is full"
            self._loop.call_soon(self._report, "events.shed", Trouble(what=what))

    def _abandon(self, left: Sequence[Held]) -> None:
        for held in left:
            _settle(held)
            if held.future is not None:
                _fail(held.future, StoreFailed("secd ended before the disk took this"))

    def _post(self, call: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            return  # the loop is closed: nobody is left to hear it

    def _count_down(self, _future: asyncio.Future[int]) -> None:
        if self._quiescence is not None:
            self._quiescence.end()


def _settle(held: Held) -> None:
    if held.future is None or held.future.done():
        return
    if held.seq is not None:
        held.future.set_result(held.seq)
    elif held.fault is not None:
        _fail(held.future, held.fault)


def _fail(future: asyncio.Future[int], error: SecdError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever does not ask has heard it as trouble
