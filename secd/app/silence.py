"""Which events belong to a silent alarm, and so are shown only to those who may see them (S12).

Everything a silent press leads to can be traced to the press: findings name it as their cause, orders and the alarm
carry its id, a command names the alarm. So an event is silent if one of those leads to a press on a silent point.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from secd.model.event import Event
from secd.model.facts import AlarmMoved, CommandGiven, OrderEnded
from secd.store.reader import LogReader

REMEMBERED_MAX = 5_000


class Silence:
    """Tells silent events from others. `silent_points` is asked anew each time: policies are reloaded."""

    def __init__(self, reader: LogReader, silent_points: Callable[[], frozenset[str]]) -> None:
        self._reader = reader
        self._silent_points = silent_points
        self._subjects: OrderedDict[str, str] = OrderedDict()

    async def covers(self, event: Event) -> bool:
        """Whether `event` belongs to a silent alarm."""
        silent = self._silent_points()
        if not silent:
            return False
        if event.subject in silent:
            return True
        for press in _traces(event):
            if await self._subject_of(press) in silent:
                return True
        return False

    async def _subject_of(self, event_id: str) -> str:
        known = self._subjects.get(event_id)
        if known is None:
            stored = await self._reader.get_event(event_id)
            known = self._subjects[event_id] = "" if stored is None else stored.event.subject
            if len(self._subjects) > REMEMBERED_MAX:
                self._subjects.popitem(last=False)
        return known


def _traces(event: Event) -> Iterator[str]:
    if event.cause is not None:
        yield event.cause
    match event.fact:
        case AlarmMoved(alarm=alarm):
            yield alarm.partition(".")[0]
        case OrderEnded(order=order):
            yield order.partition(".")[0]
        case CommandGiven(target=target):
            yield target.partition(".")[0]
        case _:
            return
