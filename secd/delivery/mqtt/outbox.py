"""The log to the broker: three lanes with a cursor each, alarms first, at least once and in order.

In: rows of the log. Out: messages; a lane's cursor moves when the broker has acknowledged, never before. A topic that
the broker denies blocks its own lane only, and is tried again. PUBACK is not delivery: a station's receipt is.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from secd.delivery.mqtt.line import Line, Message
from secd.delivery.ports import LogSource
from secd.model.errors import StoreFailed
from secd.model.event import Stream
from secd.model.stream import StreamRow
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached

_log = logging.getLogger(__name__)
LANES = (Stream.ALARM, Stream.EVENT, Stream.HEALTH)
CHUNK = 40
"""Less than the session's window, so that an express alarm never waits for a place in it."""
DENIED_S = 30.0
UNREADABLE_S = 1.0


class Outbox:
    """Cursors of one destination. `address` makes a row into messages, the journal's first."""

    def __init__(
        self,
        *,
        log: LogSource,
        clock: Clock,
        destination: str,
        address: Callable[[StreamRow], tuple[Message, ...]],
    ) -> None:
        self._source = log
        self._clock = clock
        self._destination = destination
        self._address = address
        self._cursors: dict[Stream, int] = {}
        self._blocked_until: dict[Stream, float] = {}
        self._wake = asyncio.Event()

    @property
    def cursors(self) -> Mapping[Stream, int]:
        """How far the broker has taken each stream; empty before the log was first read."""
        return self._cursors

    def backlog(self) -> dict[Stream, int]:
        """Rows of each stream that the broker has not taken."""
        marks = self._source.marks()
        return {stream: max(0, marks.get(stream, 0) - self._cursors.get(stream, 0)) for stream in LANES}

    async def watch_commits(self) -> None:
        """Wake the lanes at every commit."""
        while True:
            await self._source.wait_for_commit()
            self._wake.set()

    def wake(self) -> None:
        """Something changed: whoever waits in `woken` looks again."""
        self._wake.set()

    async def woken(self) -> None:
        """Wait for a commit or a `wake` since the last look. Not while `run` runs."""
        await self._wake.wait()
        self._wake.clear()

    async def run(self, line: Line) -> None:
        """Deliver until the line ends."""
        self._blocked_until.clear()
        while True:
            self._wake.clear()
            try:
                moved = await self._deliver_next(line)
            except StoreFailed as error:
                _log.warning("the log cannot be read for delivery", extra={"error": str(error)})
                self._wake_in(UNREADABLE_S)
                moved = False
            if not moved:
                await self._wake.wait()

    async def _deliver_next(self, line: Line) -> bool:
        """One chunk of the first lane that has something; alarms are looked at anew within every chunk of the others."""
        await self._load()
        for stream in LANES:
            if self._may_send(stream) and await self._deliver(line, stream):
                return True
        return False

    def _may_send(self, stream: Stream) -> bool:
        return self._blocked_until.get(stream, 0.0) <= self._clock.now().mono_s

    async def _deliver(self, line: Line, stream: Stream) -> bool:
        after = self._cursors[stream]
        if self._source.marks().get(stream, 0) <= after:
            return False
        messages_each = 2 if stream is Stream.ALARM else 1
        rows = await self._source.read_stream(stream, after, CHUNK // messages_each)
        reached("publishing")
        sent = [(row, message, await line.send(message)) for row in rows for message in self._address(row)]
        upto, denied = after, False
        try:
            for row, message, answer in sent:
                if stream is not Stream.ALARM and self._may_send(Stream.ALARM):
                    await self._deliver(line, Stream.ALARM)  # an alarm does not wait for a chunk of something else
                puback = await line.confirm(message, answer)
                if puback.denied and not message.retain:
                    denied = True
                if not denied:
                    upto = row.sequence
        finally:
            if upto > after:
                reached("published")
                self._cursors[stream] = upto
                await self._source.save_delivery_cursor(self._destination, stream, upto)
        if denied:
            self._blocked_until[stream] = self._clock.now().mono_s + DENIED_S
            self._wake_in(DENIED_S)
        return upto > after

    async def _load(self) -> None:
        if self._cursors:
            return
        marks = self._source.marks()
        cursors = {stream: await self._source.delivery_cursor(self._destination, stream) for stream in LANES}
        self._cursors = {stream: min(cursor, marks.get(stream, 0)) for stream, cursor in cursors.items()}

    def _wake_in(self, seconds: float) -> None:
        self._clock.call_at(self._clock.now().mono_s + seconds, self._wake.set)
