"""What delivery needs of the rest of the house, given to it by `app`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from secd.model.alarm import Alarm, AlarmMode
from secd.model.entry import Answer
from secd.model.event import Stream
from secd.model.facts import CommandGiven, Trouble
from secd.model.stream import StreamRow

Submit: TypeAlias = Callable[[CommandGiven, str], Awaitable[Answer]]
"""Puts in a command of an author ("station:NAME") and returns once it has been judged."""

ReportTrouble: TypeAlias = Callable[[str, Trouble], None]
"""Puts in an event kind of secd's own (broker.lost, station.lost, ...) with its trouble. Never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNames:
    """Who is speaking: the instance (one secd), its site, and whether what it says is meant."""

    instance: str
    site: str
    mode: AlarmMode


class LogSource(Protocol):
    """The log as delivery reads it: the store. Reads raise StoreFailed while it cannot be read."""

    @property
    def epoch(self) -> str:
        """Sequences count within it."""

    def marks(self) -> Mapping[Stream, int]:
        """The newest durable sequence of each stream."""

    async def read_stream(self, stream: Stream, after: int, limit: int) -> list[StreamRow]:
        """Rows after a sequence, oldest first."""

    async def wait_for_commit(self) -> None:
        """Return at the next commit."""

    async def delivery_cursor(self, destination: str, stream: Stream) -> int:
        """How far a destination has a stream."""

    async def save_delivery_cursor(self, destination: str, stream: Stream, upto: int) -> None:
        """Note how far a destination has a stream."""

    async def open_alarms(self) -> tuple[Alarm, ...]:
        """Every alarm that is not closed."""

    async def recently_closed_alarms(self, limit: int) -> tuple[Alarm, ...]:
        """The newest closed ones."""
