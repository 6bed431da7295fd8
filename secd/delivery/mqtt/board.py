"""Which alarm objects the broker should hold: every open one, and a closed one until its hold is over. Pure.

In: alarms, from the log or express from the engine. Out: what to publish and what to empty. Refuses old revisions, so
that the log catching up never takes an alarm back to what it was.
"""

from collections.abc import Iterable

from secd.model.alarm import Alarm
from secd.model.names import AlarmId

EMPTIED_REMEMBERED_MAX = 1000


class AlarmBoard:
    """The objects by alarm. `hold_s`: how long a closed one stays for stations to see."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._alarms: dict[AlarmId, Alarm] = {}
        self._empty_at: dict[AlarmId, float] = {}
        self._uncommitted: set[AlarmId] = set()
        self._emptied: dict[AlarmId, None] = {}

    def take(self, alarm: Alarm, now_mono_s: float) -> bool:
        """An alarm moved. Whether this is news, to be published."""
        known = self._alarms.get(alarm.id)
        if (known is not None and known.rev >= alarm.rev) or alarm.id in self._emptied:
            return False
        self._alarms[alarm.id] = alarm
        if alarm.closed:
            self._empty_at[alarm.id] = now_mono_s + self._hold_s
        return True

    def take_express(self, alarm: Alarm, now_mono_s: float) -> bool:
        """An alarm that is not committed yet; it stands whatever the log says, until the log has it."""
        if not self.take(alarm, now_mono_s):
            return False
        self._uncommitted.add(alarm.id)
        return True

    def committed(self, alarm_id: AlarmId) -> None:
        """The log has it."""
        self._uncommitted.discard(alarm_id)

    def adopt(self, open_alarms: Iterable[Alarm], now_mono_s: float) -> tuple[AlarmId, ...]:
        """Take the log's word for what is open. What is no longer, and is not held, is returned: to be emptied."""
        still: set[AlarmId] = set()
        for alarm in open_alarms:
            still.add(alarm.id)
            self.take(alarm, now_mono_s)
        gone = tuple(
            alarm_id
            for alarm_id in self._alarms
            if alarm_id not in still and alarm_id not in self._empty_at and alarm_id not in self._uncommitted
        )
        for alarm_id in gone:
            self._forget(alarm_id)
        return gone

    def pop_due(self, now_mono_s: float) -> tuple[AlarmId, ...]:
        """Closed alarms whose hold is over: to be emptied."""
        due = tuple(alarm_id for alarm_id, at in self._empty_at.items() if at <= now_mono_s)
        for alarm_id in due:
            self._forget(alarm_id)
        return due

    def next_due(self) -> float | None:
        """When the next hold is over."""
        return min(self._empty_at.values(), default=None)

    def holds(self, alarm_id: str) -> bool:
        """Whether the broker should have an object of this alarm."""
        return alarm_id in self._alarms

    def get(self, alarm_id: str) -> Alarm | None:
        """The alarm as last published."""
        return self._alarms.get(AlarmId(alarm_id))

    def objects(self) -> tuple[Alarm, ...]:
        """Everything the broker should hold, most urgent first."""
        return tuple(sorted(self._alarms.values(), key=lambda alarm: (alarm.priority, alarm.id)))

    def open(self) -> tuple[Alarm, ...]:
        """What is not closed."""
        return tuple(alarm for alarm in self.objects() if not alarm.closed)

    def _forget(self, alarm_id: AlarmId) -> None:
        self._alarms.pop(alarm_id, None)
        self._empty_at.pop(alarm_id, None)
        self._uncommitted.discard(alarm_id)
        self._emptied[alarm_id] = None
        while len(self._emptied) > EMPTIED_REMEMBERED_MAX:
            del self._emptied[next(iter(self._emptied))]
