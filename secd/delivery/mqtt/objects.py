"""What the broker retains about alarms: an object each, and the summary. Kept true through outages, theirs and ours.

In: alarms of the log, express alarms of the engine. Out: retained messages; an empty one where an alarm is over.
It never takes an object back to an older revision, and never waits for the store to publish an express alarm.
"""

import asyncio
import logging
from collections.abc import Callable

from secd.delivery.mqtt.board import AlarmBoard
from secd.delivery.mqtt.line import Line, Message
from secd.delivery.mqtt.payloads import Voice, alarm_object, summary_message
from secd.delivery.mqtt.topics import Topics
from secd.delivery.ports import LogSource
from secd.model.alarm import Alarm
from secd.model.errors import StoreFailed
from secd.model.event import Stream
from secd.model.names import AlarmId
from secd.model.stream import StreamRow
from secd.runtime.clock import Clock
from secd.runtime.ids import UlidSource
from secd.runtime.mqtt import Received

_log = logging.getLogger(__name__)
CLOSED_CLEARED_MAX = 100


class AlarmObjects:
    """The retained objects of one site. They outlive connections; each connection works on them by its `Line`."""

    def __init__(
        self,
        *,
        topics: Topics,
        voice: Callable[[], Voice],
        log: LogSource,
        clock: Clock,
        ids: UlidSource,
        hold_s: float,
    ) -> None:
        self._topics = topics
        self._voice = voice
        self._source = log
        self._clock = clock
        self._ids = ids
        self._board = AlarmBoard(hold_s)
        self._covered = 0
        self._express: dict[AlarmId, Alarm] = {}
        self._express_waits = asyncio.Event()
        self._moved = asyncio.Event()
        self._hold_changed = asyncio.Event()

    def express(self, alarm: Alarm) -> None:
        """Have this alarm published at once, whatever the log knows of it."""
        if self._board.take_express(alarm, self._clock.now().mono_s):
            self._express[alarm.id] = alarm
            self._express_waits.set()
            self._note_move(alarm)

    def object_of(self, row: StreamRow) -> Message | None:
        """The object to publish with a row; None where it says nothing new.

        Rows older than the last `rebuild` moved alarms that it has taken whole from the store already.
        """
        alarm = row.alarm
        if alarm is None:
            return None
        self._board.committed(alarm.id)
        if row.sequence <= self._covered or not self._board.take(alarm, self._clock.now().mono_s):
            return None
        self._note_move(alarm)
        return self._object(alarm)

    async def rebuild(self, line: Line) -> bool:
        """Make what the broker retains true: it may have lost everything, or kept what is over. False: unreadable."""
        covered = self._source.marks().get(Stream.ALARM, 0)
        over: list[AlarmId] = []
        readable = True
        try:
            open_alarms = await self._source.open_alarms()
            over += [alarm.id for alarm in await self._source.recently_closed_alarms(CLOSED_CLEARED_MAX)]
        except StoreFailed as error:
            _log.warning("the log cannot be read for delivery", extra={"error": str(error)})
            readable = False
        else:
            self._covered = covered
            over += self._board.adopt(open_alarms, self._clock.now().mono_s)
        await line.publish_all(self._object(alarm) for alarm in self._board.objects())
        self._moved.set()
        await line.publish_all(self._empty(alarm_id) for alarm_id in over if not self._board.holds(alarm_id))
        return readable

    async def send_express(self, line: Line) -> None:
        """Publish express alarms as they come; one leaves the queue when the broker has it."""
        while True:
            await self._express_waits.wait()
            self._express_waits.clear()
            while self._express:
                alarm_id, alarm = next(iter(self._express.items()))
                await line.publish(self._object(alarm))
                if self._express.get(alarm_id) is alarm:
                    del self._express[alarm_id]

    async def keep_summary(self, line: Line, as_of: Callable[[], int]) -> None:
        """Publish the summary whenever alarms moved; a burst of moves makes one."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            now = self._clock.now().utc
            payload = summary_message(self._voice(), self._ids.new(now), now, self._board.open(), as_of())
            await line.publish(Message(topic=self._topics.summary, payload=payload, retain=True))

    async def empty_held(self, line: Line) -> None:
        """Empty the objects of closed alarms when their hold is over."""
        while True:
            self._hold_changed.clear()
            due = self._board.next_due()
            cancel = None if due is None else self._clock.call_at(due, self._hold_changed.set)
            try:
                await self._hold_changed.wait()
            finally:
                if cancel is not None:
                    cancel()
            for alarm_id in self._board.pop_due(self._clock.now().mono_s):
                await line.publish(self._empty(alarm_id))

    async def hear(self, line: Line, alarm_id: str, received: Received) -> None:
        """An object that the broker keeps. One that nobody here knows is of an alarm that is over, or forged."""
        if received.retained and received.payload and not self._board.holds(alarm_id):
            await line.publish(self._empty(AlarmId(alarm_id)))

    def _object(self, alarm: Alarm) -> Message:
        return Message(topic=self._topics.alarm(alarm.id), payload=alarm_object(self._voice(), alarm), retain=True)

    def _empty(self, alarm_id: AlarmId) -> Message:
        return Message(topic=self._topics.alarm(alarm_id), payload=b"", retain=True)

    def _note_move(self, alarm: Alarm) -> None:
        self._moved.set()
        if alarm.closed:
            self._hold_changed.set()
