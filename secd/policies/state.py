"""The judge's state: what it remembers between two events, when it next has to be asked, and nothing it cannot restore.

In: the changes of each verdict, or all rows after a restart; both go the same way, so a restarted judge is the same judge.
Out: what is remembered, by kind and key; the earliest due time. Rows of kinds this version does not know are left alone.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import TypeVar, cast

from secd.model.alarm import Alarm
from secd.model.entry import StateRow, Verdict
from secd.policies.cabinets.state import LOSS, LossState
from secd.policies.doors.state import DoorState
from secd.policies.fire.state import FIRE
from secd.policies.overrides.state import PERMIT, PermitState
from secd.policies.rows import (
    ALARM,
    DOOR,
    LEVEL,
    OVERRIDE,
    PANIC,
    SITE,
    LevelState,
    OpenAlarm,
    OverrideState,
    PanicState,
    Remembered,
    SiteState,
    read_row,
    write_row,
)

KINDS = frozenset({ALARM, DOOR, LEVEL, OVERRIDE, PANIC, SITE, LOSS, PERMIT, FIRE})
NEVER_SEEN = DoorState()
_STALE_DUES_MAX = 64
T = TypeVar("T", bound=Remembered)


class JudgeState:
    """Empty for a site that never ran. Only `apply` and `from_rows` change it."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Remembered]] = {kind: {} for kind in sorted(KINDS)}
        self._alarm_ids: dict[tuple[str, str, str], str] = {}
        self._alarms_of_point: dict[str, set[str]] = {}
        self._levels_of_door: dict[str, list[LevelState]] = {}
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    @classmethod
    def from_rows(cls, rows: Iterable[StateRow]) -> "JudgeState":
        """Restore what was stored."""
        state = cls()
        for row in rows:
            state._put(row)
        return state

    def apply(self, verdict: Verdict) -> None:
        """Take over a verdict's changes."""
        for row in verdict.changes:
            self._put(row)

    def to_rows(self) -> list[StateRow]:
        """All of it, as it would be stored."""
        return [
            StateRow(kind=kind, key=key, value=write_row(value))
            for kind, values in self._values.items()
            for key, value in sorted(values.items())
        ]

    def door(self, name: str) -> DoorState:
        """A door, or one never seen."""
        return cast("DoorState", self._values[DOOR].get(name, NEVER_SEEN))

    def override(self, door: str) -> OverrideState | None:
        """The operator's mode of a door."""
        return cast("OverrideState | None", self._values[OVERRIDE].get(door))

    def levels_of(self, door: str) -> list[LevelState]:
        """The threat levels over a door."""
        return self._levels_of_door.get(door, [])

    def alarm(self, alarm: str) -> OpenAlarm | None:
        """An open alarm."""
        return cast("OpenAlarm | None", self._values[ALARM].get(alarm))

    def alarm_of(self, rule: str, kind: str, point: str) -> str | None:
        """The id of the one open alarm of this rule and kind at this point."""
        return self._alarm_ids.get((rule, kind, point))

    def alarms_of(self, point: str) -> list[str]:
        """The ids of the open alarms of a point."""
        return sorted(self._alarms_of_point.get(point, ()))

    def panic(self, point: str) -> PanicState:
        """A panic point."""
        return cast("PanicState", self._values[PANIC].get(point, PanicState()))

    @property
    def site(self) -> SiteState:
        """What holds for the whole site."""
        return cast("SiteState", self._values[SITE].get("", SiteState()))

    @property
    def doors(self) -> dict[str, DoorState]:
        """Every door remembered."""
        return cast("dict[str, DoorState]", self._values[DOOR])

    @property
    def overrides(self) -> dict[str, OverrideState]:
        """Every override, by door."""
        return cast("dict[str, OverrideState]", self._values[OVERRIDE])

    @property
    def levels(self) -> dict[str, LevelState]:
        """Every threat level that is set, by area/level."""
        return cast("dict[str, LevelState]", self._values[LEVEL])

    @property
    def alarms(self) -> dict[str, OpenAlarm]:
        """Every open alarm, by id."""
        return cast("dict[str, OpenAlarm]", self._values[ALARM])

    def open_alarms(self) -> tuple[Alarm, ...]:
        """Every open alarm as it stands, by id."""
        return tuple(opened.alarm for _, opened in sorted(self.alarms.items()))

    @property
    def panic_points(self) -> dict[str, PanicState]:
        """Every panic point remembered."""
        return cast("dict[str, PanicState]", self._values[PANIC])

    def kept(self, kind: str) -> dict[str, Remembered]:
        """Every row of a kind, by key."""
        return self._values[kind]

    def due(self, key: str) -> float | None:
        """When this timer is due."""
        return self._due.get(key)

    def next_due(self) -> tuple[float, str] | None:
        """The earliest timer: when, and its key."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _put(self, row: StateRow) -> None:
        if row.kind not in KINDS:
            return
        values = self._values[row.kind]
        old = values.pop(row.key, None)
        new = None if row.value is None else read_row(row.kind, row.value)
        if new is not None:
            values[row.key] = new
        self._move_timers(f"{row.kind}/{row.key}", old, new)
        match old or new:
            case OpenAlarm():
                self._index_alarm(row.key, old, new)
            case LevelState():
                self._index_levels()
            case _:
                pass

    def _index_alarm(self, key: str, old: Remembered | None, new: Remembered | None) -> None:
        if isinstance(old, OpenAlarm):
            self._alarm_ids.pop((old.alarm.rule, old.alarm.kind, old.alarm.point), None)
            self._alarms_of_point.get(old.alarm.point, set()).discard(key)
        if isinstance(new, OpenAlarm):
            self._alarm_ids[new.alarm.rule, new.alarm.kind, new.alarm.point] = key
            self._alarms_of_point.setdefault(new.alarm.point, set()).add(key)

    def _index_levels(self) -> None:
        self._levels_of_door = {}
        for _, level in sorted(self.levels.items()):
            for door in level.doors:
                self._levels_of_door.setdefault(door, []).append(level)

    def _move_timers(self, prefix: str, old: Remembered | None, new: Remembered | None) -> None:
        before, after = timers_of(old), timers_of(new)
        for name in before:
            if name not in after:
                del self._due[f"{prefix}/{name}"]
        for name, due_s in after.items():
            if before.get(name) != due_s:
                self._due[f"{prefix}/{name}"] = due_s
                heappush(self._heap, (due_s, f"{prefix}/{name}"))
        if len(self._heap) > 4 * len(self._due) + _STALE_DUES_MAX:
            self._heap = [(due_s, key) for key, due_s in self._due.items()]
            heapify(self._heap)


def timers_of(value: Remembered | None) -> dict[str, float]:
    """The due times that a value carries."""
    match value:
        case DoorState() | OverrideState() | PanicState() | SiteState() | LossState() | PermitState():
            return dict(value.timers)
        case _:
            return {}


def next_due(state: JudgeState) -> tuple[float, str] | None:
    """When the judge next has to be asked: (second count, timer key), or None."""
    return state.next_due()
