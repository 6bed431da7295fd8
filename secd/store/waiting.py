"""Entries that wait for the disk: in order, bounded, shed by how much they matter.

When it is full the oldest ordinary entry goes first, then the oldest urgent one, alarms last. What a shed entry changed
in the judge's state and the doors' modes moves on to the entry after it, so that the stored state stays whole.
Not thread-safe: the writer's condition guards it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from enum import IntEnum

from secd.model.entry import Entry
from secd.model.errors import SecdError
from secd.model.event import KINDS


class Grade(IntEnum):
    """What is shed first, first."""

    ORDINARY = 0
    URGENT = 1
    ALARM = 2


@dataclass(slots=True, eq=False, kw_only=True)
class Held:
    """One entry on its way to the disk. Once settled it has a `seq` or a `fault`."""

    ticket: int
    entry: Entry
    future: asyncio.Future[int] | None
    seq: int | None = None
    fault: SecdError | None = None

    @property
    def settled(self) -> bool:
        """Stored, or refused for good."""
        return self.seq is not None or self.fault is not None


class Waiting:
    """The queue before the writer."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._held: dict[int, Held] = {}
        self._tickets: dict[Grade, deque[int]] = {grade: deque() for grade in Grade}
        self._next = 1

    def put(self, entry: Entry, future: asyncio.Future[int] | None) -> Held | None:
        """Take an entry. Returns the one that had to go for it, which may be itself."""
        held = Held(ticket=self._next, entry=entry, future=future)
        self._next += 1
        self._held[held.ticket] = held
        self._tickets[grade_of(entry)].append(held.ticket)
        return self._shed() if len(self._held) > self._limit else None

    def take(self, count: int) -> list[Held]:
        """The oldest `count` entries."""
        tickets = [ticket for ticket, _ in zip(self._held, range(count), strict=False)]
        taken = [self._held.pop(ticket) for ticket in tickets]
        for queue in self._tickets.values():
            while queue and queue[0] not in self._held:
                queue.popleft()
        return taken

    @property
    def newest(self) -> int:
        """The ticket given out last."""
        return self._next - 1

    @property
    def oldest(self) -> int:
        """The first ticket that waits; one that is still to come when none does."""
        return next(iter(self._held), self._next)

    def after(self, ticket: int) -> list[Held]:
        """What waits with a later ticket, in order."""
        return [held for held in self._held.values() if held.ticket > ticket]

    def __len__(self) -> int:
        return len(self._held)

    def _shed(self) -> Held:
        tickets = next(queue for _, queue in sorted(self._tickets.items()) if queue)
        shed = self._held.pop(tickets.popleft())
        heir = next((self._held[t] for t in range(shed.ticket + 1, self._next) if t in self._held), None)
        if heir is not None:
            heir.entry = inherit(heir.entry, shed.entry)
        return shed


def grade_of(entry: Entry) -> Grade:
    """How much an entry matters when not all can be kept."""
    info = KINDS.get(entry.event.kind)
    if entry.verdict.alarms or (info is not None and info.stream == "alarm"):
        return Grade.ALARM
    return Grade.URGENT if info is not None and info.urgent else Grade.ORDINARY


def inherit(entry: Entry, shed: Entry) -> Entry:
    """`entry` with the state changes of the one shed before it; its own come after them and win."""
    if not (shed.verdict.changes or shed.verdict.desired):
        return entry
    verdict = replace(
        entry.verdict,
        changes=shed.verdict.changes + entry.verdict.changes,
        desired=shed.verdict.desired + entry.verdict.desired,
    )
    return replace(entry, verdict=verdict)
