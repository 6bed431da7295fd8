"""The writer thread: takes whatever waits, commits it as one group, and says what became of it.

In: entries and rides from the loop. Out: calls posted to the loop (`Listener`). It owns the only read-write connection.
A disk that fails is a mode: close, wait, open again, ask which events are in after all, go on in order. Anything else
is a bug, ends the thread, and the daemon with it.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from secd.model.entry import Entry
from secd.model.errors import Fault, SecdError, StoreFailed
from secd.model.event import Stream
from secd.model.facts import Trouble
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock
from secd.store.batch import Rides
from secd.store.database import Database, DiskFailed, RowRefused
from secd.store.groups import Groups, Work
from secd.store.reader import read_start
from secd.store.spool import Ballast, Spool, overlay
from secd.store.stored import StartState
from secd.store.waiting import Held, Waiting

_log = logging.getLogger(__name__)
RIDE_WAIT_S = 0.25
"""Delivery cursors and the like wait this long for a group to ride with."""
GATHER_S = 0.002
"""After a lull the first entry waits so long for what follows at once: one group, and the loop sends its orders first."""
SMALL_GROUP = 32
"""After a failure transactions are small: on a disk that is nearly full something is better than nothing."""
RETRY_S_BASE, RETRY_S_CAP = 0.05, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """One group is durable: what became of each entry, and the newest numbers."""

    settled: Sequence[Held]
    seq: int
    epoch: str
    marks: dict[Stream, int]
    cursors: dict[DeviceId, DeviceCursor]


class Listener(Protocol):
    """Who hears of it; every call is posted to the loop."""

    def on_started(self, start: StartState, refused: SecdError | None) -> None:
        """The store is open or degraded; `refused` when it may not be opened at all."""

    def on_committed(self, committed: Committed) -> None:
        """A group is durable."""

    def on_trouble(self, kind: str, trouble: Trouble) -> None:
        """A mode began or ended."""

    def on_ended(self, error: BaseException | None, left: Sequence[Held]) -> None:
        """The thread is over; `error` when it should not be. `left`: what nobody was told about yet."""


class Writer:
    """See the file's first lines. `put`, `ride`, `ping` and `close` are the loop's; they never block."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        waiting: Waiting,
        spool: Spool,
        ballast: Ballast,
        listener: Listener,
        post: Callable[..., None],
        wake_guard: Callable[[], None],
        where: str,
        batch_max: int,
    ) -> None:
        self._database = database
        self._groups = Groups(database, clock, refused=self._tell_refused)
        self._waiting = waiting
        self._spool = spool
        self._ballast = ballast
        self._listener = listener
        self._post = post
        self._wake_guard = wake_guard
        self._where = where
        self._batch_max = batch_max
        self._condition = threading.Condition()
        self._rides = Rides()
        self._pings: list[asyncio.Future[None]] = []
        self._hand: list[Held] = []
        self._idle = False
        self._gathering = False
        self._closing = False
        self._merged = False
        self._suspect = False
        self._spooled_upto = 0
        self._reserve_used = False
        self.degraded = False
        self.attempts = 0
        self.busy = False

    # --- called from the loop ----------------------------------------------------------------------------------------

    def put(self, entry: Entry, future: asyncio.Future[int]) -> Held | None:
        """Queue an entry; returns what was shed for it."""
        with self._condition:
            shed = self._waiting.put(entry, future)
            if not self._gathering:
                self._condition.notify()
        return shed

    def ride(self, rides: Rides) -> None:
        """Write these with the next group, or soon."""
        with self._condition:
            rides.add_older(self._rides)
            self._rides = rides
            if self._idle:
                self._condition.notify()

    def ping(self, answer: asyncio.Future[None]) -> None:
        """Resolve `answer` (on the loop) when the thread comes by."""
        with self._condition:
            self._pings.append(answer)
            self._condition.notify()

    def close(self) -> None:
        """Store what waits, then end; while the disk fails, end at once."""
        with self._condition:
            self._closing = True
            self._condition.notify()

    # --- called from the guard thread --------------------------------------------------------------------------------

    def unsaved_after(self, ticket: int) -> list[Held]:
        """What is not durable yet, from a ticket on."""
        with self._condition:
            in_hand = [held for held in self._hand if held.ticket > ticket and not held.settled]
            return in_hand + self._waiting.after(ticket)

    def degrade(self, error: SecdError) -> None:
        """Declare the mode, once for each time it begins."""
        with self._condition:
            if self.degraded:
                return
            self.degraded = True
        self._wake_guard()
        _log.error("the store is degraded", extra={"why": str(error)})
        remedy = error.remedy if isinstance(error, DiskFailed) else ""
        self._tell("store.degraded", str(error), remedy)

    # --- the thread --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Open, then write until closed."""
        try:
            if self._start():
                work = self._next_work()
                while work is not None and self._carry_out(work):
                    work = self._next_work()
        finally:
            error = sys.exception()
            self._database.close()
            self._post(self._listener.on_ended, error, self._hand + self._waiting.after(0))

    def _start(self) -> bool:
        start, refused = StartState(), None
        self.busy = True
        try:
            self._open()
            start = self._database.load()
        except (DiskFailed, RowRefused, Fault) as error:
            self._database.close()
            self.degrade(error)
            entries, _ = self._spool.read()
            start = overlay(read_start(self._database.path), entries)
        except StoreFailed as error:
            refused = error
        self.busy = False
        self._post(self._listener.on_started, start, refused)
        return refused is None

    def _next_work(self) -> Work | None:
        with self._condition:
            while True:
                self._answer_pings()
                if self._waiting or (self._rides and self._closing):
                    break
                if self._closing or (self.degraded and not self._database.is_open):
                    if self._closing:
                        return None
                    break  # nothing waits, but a store that cannot be opened is tried again
                self._idle = not self._rides
                if not self._condition.wait(timeout=RIDE_WAIT_S if self._rides else None) and self._rides:
                    break
                self._gather()
            self._idle = False
            self._hand = self._waiting.take(self._batch_max)
            work = Work(entries=self._hand, rides=self._rides)
            self._rides = Rides()
            return work

    def _gather(self) -> None:
        """Wait for what comes with the first entry; the condition is held, and nobody wakes us for each of them."""
        if self._waiting:
            self._gathering = True
            self._condition.wait_for(lambda: self._closing, timeout=GATHER_S)
            self._gathering = False

    def _carry_out(self, work: Work) -> bool:
        backoff = Backoff(base_s=RETRY_S_BASE, cap_s=RETRY_S_CAP)
        while True:
            self.attempts += 1
            self.busy = True
            try:
                self._write_all(work)
                break
            except StoreFailed as error:
                self._after_failure(error)
                if len(work.left) < len(work.entries):
                    self._announce(work)
            finally:
                self.busy = False
            if not self._pause(backoff):
                return False
        self._settle(work)
        return True

    def _write_all(self, work: Work) -> None:
        if not self._database.is_open:
            self._open()
        if self._suspect:
            self._groups.find_stored(work)
        self._groups.write(work, at_most=SMALL_GROUP if self._suspect else self._batch_max)

    def _settle(self, work: Work) -> None:
        with self._condition:
            recovered = self.degraded and len(self._waiting) < self._batch_max
            if recovered:
                self.degraded, self._spooled_upto = False, self._waiting.newest
            drained = not self.degraded and self._suspect and self._waiting.oldest > self._spooled_upto
        self._announce(work)
        if recovered:
            self._recovered()
        if drained:
            self._suspect = False
            self._spool.clear()

    def _announce(self, work: Work) -> None:
        """Say what became durable, also of a group whose rest still waits for the disk."""
        counters = self._database.counters
        done = Committed(
            settled=[held for held in work.entries if held.settled],
            seq=counters.seq,
            epoch=self._database.epoch,
            marks={Stream(name): upto for name, upto in counters.streams.items()},
            cursors=work.cursors,
        )
        with self._condition:
            self._hand = work.entries = work.left
        work.cursors = {}
        self._post(self._listener.on_committed, done)

    def _recovered(self) -> None:
        what, remedy = "the store commits again", ""
        if self._reserve_used:
            what, remedy = f"{what}, from its reserve of disk space", "free space on the store's disk now"
        _log.warning("the store has recovered", extra={"what": what})
        self._tell("store.recovered", what, remedy)
        self._ballast.hold()

    def _after_failure(self, error: StoreFailed) -> None:
        self._database.close()
        self._suspect = True
        self.degrade(error)
        if isinstance(error, DiskFailed) and error.full:
            self._reserve_used = self._ballast.release() or self._reserve_used

    def _pause(self, backoff: Backoff) -> bool:
        with self._condition:
            self._answer_pings()
            if not self._closing:
                self._condition.wait_for(lambda: self._closing, timeout=backoff.next_wait_s())
            return not self._closing

    def _open(self) -> None:
        try:
            self._database.open()
        except DiskFailed as error:
            if not error.full or not self._ballast.release():
                raise
            self._reserve_used = True
            self._database.open()
        self._ballast.hold()
        if not self._merged:
            self._merge()

    def _merge(self) -> None:
        """Bring in what the last run could only spool, before anything newer."""
        entries, torn = self._spool.read()
        stored = self._database.stored_seqs(entry.event.id for entry in entries)
        left = [entry for entry in entries if entry.event.id not in stored]
        for start in range(0, len(left), self._batch_max):
            group = left[start : start + self._batch_max]
            self._groups.write(
                Work(entries=[Held(ticket=0, entry=entry, future=None) for entry in group]), at_most=SMALL_GROUP
            )
        self._merged = True
        self._suspect = self._suspect or bool(entries)
        if not self.degraded:
            self._spool.clear()
        if left or torn:
            what = f"{len(left)} entries that were kept beside the store are stored; {torn} torn lines were left out"
            self._tell("store.recovered", what, "")

    def _answer_pings(self) -> None:
        for answer in self._pings:
            self._post(_resolve, answer)
        self._pings = []

    def _tell_refused(self, fault: Fault) -> None:
        self._tell("events.shed", str(fault), "report this: an event that cannot be stored is a fault of secd")

    def _tell(self, kind: str, what: str, remedy: str) -> None:
        self._post(self._listener.on_trouble, kind, Trouble(what=what, where=self._where, remedy=remedy))


def _resolve(answer: asyncio.Future[None]) -> None:
    if not answer.done():
        answer.set_result(None)
