"""One group of entries into transactions, all or as many as are sound.

In: what waits. Out: a number on each entry that is durable, a fault on each that can never be. A row that the database
refuses is found by halving its group, so that one poisoned entry costs itself and nothing else. `DiskFailed` passes through.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from secd.model.errors import Fault
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor
from secd.runtime.clock import Clock
from secd.store.batch import UNENCODABLE, Batch, Rides
from secd.store.database import Database, RowRefused
from secd.store.waiting import Held

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Work:
    """One group in the writer's hand, and what became durable of it."""

    entries: list[Held] = field(default_factory=list)
    rides: Rides = field(default_factory=Rides)
    cursors: dict[DeviceId, DeviceCursor] = field(default_factory=dict)

    @property
    def left(self) -> list[Held]:
        """What is neither stored nor refused."""
        return [held for held in self.entries if not held.settled]


class Groups:
    """Writes work; `refused` hears of every entry that can never be stored."""

    def __init__(self, database: Database, clock: Clock, *, refused: Callable[[Fault], None]) -> None:
        self._database = database
        self._clock = clock
        self._refused = refused

    def write(self, work: Work, *, at_most: int) -> None:
        """Make all that is left of the work durable, in transactions of at most so many entries."""
        left = work.left
        for start in range(0, max(1, len(left)), at_most):
            self._write(left[start : start + at_most], work)

    def find_stored(self, work: Work) -> None:
        """After a commit of unknown result: which entries are in after all."""
        stored = self._database.stored_seqs(held.entry.event.id for held in work.left)
        for held in work.left:
            held.seq = stored.get(held.entry.event.id)

    def _write(self, entries: list[Held], work: Work) -> None:
        batch = Batch(self._database.counters, stored=self._clock.now().utc, rides=work.rides)
        numbered: list[tuple[Held, int]] = []
        for held in entries:
            try:
                numbered.append((held, batch.add(held.entry)))
            except (Fault, *UNENCODABLE) as error:
                self._refuse(held, error)
        if not numbered and not work.rides:
            return
        try:
            self._database.commit(batch)
        except RowRefused as error:
            self._write_apart([held for held, _ in numbered], work, error)
            return
        for held, seq in numbered:
            held.seq = seq
            if held.entry.cursor is not None:
                work.cursors[held.entry.cursor[0]] = held.entry.cursor[1]
        work.rides = Rides()

    def _write_apart(self, entries: list[Held], work: Work, error: RowRefused) -> None:
        if not entries:
            _log.error("delivery cursors or sealed reads were refused by the store", extra={"why": str(error)})
            work.rides = Rides()
        elif len(entries) == 1:
            self._refuse(entries[0], error)
            self._write([], work)
        else:
            half = len(entries) // 2
            self._write(entries[:half], work)
            self._write(entries[half:], work)

    def _refuse(self, held: Held, error: Exception) -> None:
        event = held.entry.event
        said = f"event {event.id} ({event.kind}) cannot be stored: {error}"
        # plain text: what is told of a poisoned event must not be poison itself
        fault = held.fault = Fault(said.encode("ascii", "backslashreplace").decode())
        _log.error("an event cannot be stored", extra={"event_id": event.id, "kind": event.kind, "why": str(error)})
        self._refused(fault)
