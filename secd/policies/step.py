"""One step of the judge under way: a view of the state with this step's changes on top, and what it will say.

It gives findings, orders and alarms their ids, all derived from the causing event's. The state below is never touched.
"""

from dataclasses import replace
from typing import cast

from secd.model.alarm import Alarm
from secd.model.entry import Answer, StateRow, Verdict
from secd.model.event import Event
from secd.model.facts import AlarmMoved, Fact
from secd.model.names import AlarmId, AreaId, EventId, OrderId
from secd.model.order import Act, DesiredLock, Order
from secd.model.time import Instant
from secd.policies.doors.state import DoorState
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
    write_row,
)
from secd.policies.state import JudgeState
from secd.policies.tables import DoorTable, Tables

RELEASE_VALID_S = 2.0
SNAPSHOT_VALID_S = 10.0


class Step:
    """The judge's workbench for one event. `at` is the moment the event was seen: all is decided as of then."""

    def __init__(self, tables: Tables, state: JudgeState, event: Event) -> None:
        self.tables = tables
        self.state = state
        self.event = event
        self.at: Instant = event.detected
        self.findings: list[Event] = []
        self.answer: Answer | None = None
        self.still_there: list[str] = []
        self._orders: list[Order] = []
        self._desired: dict[str, DesiredLock] = {}
        self._alarms: dict[str, Alarm] = {}
        self._raised: dict[str, int] = {}
        self._changes: dict[tuple[str, str], Remembered | None] = {}

    def verdict(self) -> Verdict:
        """All of it."""
        return Verdict(
            findings=tuple(self.findings),
            alarms=tuple(self._alarms.values()),
            orders=tuple(self._orders),
            desired=tuple(self._desired.values()),
            changes=tuple(
                StateRow(kind=kind, key=key, value=None if value is None else write_row(value))
                for (kind, key), value in self._changes.items()
            ),
            answer=self.answer,
        )

    # --- what it says ---

    def find(self, kind: str, subject: str, area: AreaId | None, fact: Fact) -> Event:
        """Note a finding."""
        finding = Event(
            id=EventId(f"{self.event.id}.{len(self.findings) + 1}"),
            kind=kind,
            subject=subject,
            area=area,
            source=self.event.source,
            occurred=self.event.occurred,
            detected=self.at,
            fact=fact,
            late=self.event.late,
            cause=self.event.id,
            author=self.event.author,
        )
        self.findings.append(finding)
        return finding

    def order(self, act: Act, *, urgent: bool = False, valid_s: float = RELEASE_VALID_S) -> OrderId:
        """Ask for something to be done at once or not at all."""
        order = Order(
            id=OrderId(f"{self.event.id}.o{len(self._orders) + 1}"),
            act=act,
            cause=self.event.id,
            expires_mono_s=self.at.mono_s + valid_s,
            urgent=urgent,
        )
        self._orders.append(order)
        return order.id

    def desire(self, desired: DesiredLock) -> None:
        """Say which mode a door shall keep; the last word of a step counts."""
        self._desired[desired.door] = desired

    def alarm_id(self, cause: EventId) -> AlarmId:
        """An id for an alarm raised by this event."""
        count = self._raised.get(cause, 0) + 1
        self._raised[cause] = count
        return AlarmId(cause if count == 1 else f"{cause}.a{count}")

    def move_alarm(self, opened: OpenAlarm, transition: str, *, by: str = "", note: str = "") -> OpenAlarm:
        """Store an alarm under its next revision, with the finding that tells it."""
        alarm = replace(opened.alarm, rev=opened.alarm.rev + 1)
        self._alarms[alarm.id] = alarm
        moved = replace(opened, alarm=alarm)
        self._changes[ALARM, alarm.id] = None if alarm.closed else moved
        self.find(
            f"alarm.{transition}",
            alarm.id,
            alarm.area,
            AlarmMoved(alarm=alarm.id, rev=alarm.rev, transition=transition, by=by, note=note),
        )
        return moved

    # --- what it remembers ---

    def door(self, name: str) -> DoorState:
        """A door as it stands in this step."""
        value = self._changes.get((DOOR, name))
        return cast("DoorState", value) if value is not None else self.state.door(name)

    def table(self, name: str) -> DoorTable | None:
        """A door's settings; None where the running configuration has no such door."""
        return self.tables.doors.get(name)

    def set_door(self, name: str, door: DoorState) -> None:
        """Change a door."""
        if door != self.door(name):
            self._changes[DOOR, name] = door

    def override(self, door: str) -> OverrideState | None:
        """The operator's mode of a door as it stands in this step."""
        if (OVERRIDE, door) in self._changes:
            return cast("OverrideState | None", self._changes[OVERRIDE, door])
        return self.state.override(door)

    def set_override(self, door: str, override: OverrideState | None) -> None:
        """Set or end an operator's mode."""
        self._changes[OVERRIDE, door] = override

    def levels(self) -> dict[str, LevelState]:
        """The threat levels as they stand in this step."""
        levels = dict(self.state.levels)
        for (kind, key), value in self._changes.items():
            if kind == LEVEL and value is None:
                levels.pop(key, None)
            elif kind == LEVEL:
                levels[key] = cast("LevelState", value)
        return levels

    def levels_of(self, door: str) -> list[LevelState]:
        """The threat levels over a door as they stand in this step."""
        if any(kind == LEVEL for kind, _ in self._changes):
            return [level for _, level in sorted(self.levels().items()) if door in level.doors]
        return self.state.levels_of(door)

    def set_level(self, key: str, level: LevelState | None) -> None:
        """Set or end a threat level."""
        self._changes[LEVEL, key] = level

    def alarm(self, alarm: str) -> OpenAlarm | None:
        """An open alarm as it stands in this step."""
        if (ALARM, alarm) in self._changes:
            return cast("OpenAlarm | None", self._changes[ALARM, alarm])
        return self.state.alarm(alarm)

    def alarm_of(self, rule: str, kind: str, point: str) -> OpenAlarm | None:
        """The one open alarm of this rule and kind at this point."""
        for alarm in self._alarms.values():
            if (alarm.rule, alarm.kind, alarm.point) == (rule, kind, point) and not alarm.closed:
                return self.alarm(alarm.id)
        found = self.state.alarm_of(rule, kind, point)
        return self.alarm(found) if found is not None else None

    def alarms_of(self, point: str) -> list[OpenAlarm]:
        """The open alarms of a point."""
        ids = {*self.state.alarms_of(point), *(alarm.id for alarm in self._alarms.values() if alarm.point == point)}
        found = (self.alarm(one) for one in sorted(ids))
        return [opened for opened in found if opened is not None]

    def panic(self, point: str) -> PanicState:
        """A panic point as it stands in this step."""
        value = self._changes.get((PANIC, point))
        return cast("PanicState", value) if value is not None else self.state.panic(point)

    def set_panic(self, point: str, panic: PanicState) -> None:
        """Change a panic point."""
        if panic != self.panic(point):
            self._changes[PANIC, point] = panic

    def site(self) -> SiteState:
        """The site as it stands in this step."""
        value = self._changes.get((SITE, ""))
        return cast("SiteState", value) if value is not None else self.state.site

    def set_site(self, site: SiteState) -> None:
        """Change what holds for the whole site."""
        if site != self.site():
            self._changes[SITE, ""] = site

    def kept(self, kind: str, key: str) -> Remembered | None:
        """A row as it stands in this step."""
        return self._changes[kind, key] if (kind, key) in self._changes else self.state.kept(kind).get(key)

    def all_kept(self, kind: str) -> dict[str, Remembered]:
        """Every row of a kind as it stands in this step, by key."""
        rows = dict(self.state.kept(kind))
        for (changed, key), value in self._changes.items():
            if changed == kind and value is None:
                rows.pop(key, None)
            elif changed == kind and value is not None:
                rows[key] = value
        return dict(sorted(rows.items()))

    def keep(self, kind: str, key: str, value: Remembered) -> None:
        """Store a row."""
        self._changes[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        """Remove a row."""
        self._changes[kind, key] = None
