"""The judge's state as people look at it: doors, alarms, overrides, levels. Frozen values for status and the console.

In: tables, state, now. Out: views, ordered by name or urgency. Nothing is decided here.
"""

from dataclasses import dataclass
from datetime import datetime

from secd.model.alarm import Acknowledgement, Alarm
from secd.model.doors import Achieved, DoorMode, Layer, LockState, PhysicalState
from secd.model.time import Instant
from secd.policies.doors.state import DoorState
from secd.policies.fire.state import FIRE, FireState
from secd.policies.state import JudgeState
from secd.policies.tables import DoorTable, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorView:
    """A door: mode and who decides it, contact, lock, and what stands open about it. `phase`: the door machine's.

    `tampered`: boards of it whose cabinet is open; `fire`: zones whose fire alarm stands over it.
    """

    door: str
    label: str
    area: str
    mode: DoorMode
    layer: Layer
    why: str
    until: datetime | None
    waits_for_clock: bool
    physical: PhysicalState
    lock: LockState
    achieved: Achieved
    phase: str
    open_since: datetime | None
    released: bool
    tampered: tuple[str, ...]
    fire: str
    taken_at: datetime | None
    taken_by: str | None
    taken_how: str
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideView:
    """An override that stands: until when, by whom, why (S19)."""

    door: str
    mode: DoorMode
    until: datetime
    left_s: float
    author: str
    reason: str
    since: datetime
    in_effect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """A threat level that stands. `not_achieved`: its doors that are open, unknown or not locked (S3)."""

    level: str
    area: str
    author: str
    reason: str
    since: datetime
    admit: tuple[str, ...]
    doors: tuple[str, ...]
    not_achieved: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FireView:
    """A fire zone: what its panel says, and since when a fire alarm stands that an operator has to restore."""

    zone: str
    label: str
    told: str
    since: datetime | None
    doors: tuple[str, ...]


def fire_views(tables: Tables, state: JudgeState) -> tuple[FireView, ...]:
    """Every fire zone, by name, also one in alarm that the running configuration no longer has."""
    kept = {key: row for key, row in state.kept(FIRE).items() if isinstance(row, FireState)}
    views = []
    for name in sorted({*tables.fire_zones, *kept}):
        row, table = kept.get(name, FireState(zone=name)), tables.fire_zones.get(name)
        doors = row.doors or (table.doors if table is not None else ())
        label = table.label if table is not None else name
        views.append(FireView(zone=name, label=label, told=row.told, since=row.since, doors=doors))
    return tuple(views)


def door_views(tables: Tables, state: JudgeState, now: Instant) -> tuple[DoorView, ...]:
    """Every door, by name."""
    return tuple(_door(tables.doors[name], state, now) for name in tables.door_names)


def silent_points(tables: Tables) -> frozenset[str]:
    """The panic points whose press must not be noticed on the premises (S12)."""
    return frozenset(point for (point, _), rules in tables.rules_of_press.items() if any(rule.silent for rule in rules))


def alarm_views(state: JudgeState) -> tuple[Alarm, ...]:
    """Every open alarm: not taken before taken, then by priority, then the oldest first."""

    def urgency(alarm: Alarm) -> tuple[bool, int, datetime, str]:
        return alarm.ack is Acknowledgement.ACKED, alarm.priority, alarm.detected, alarm.id

    return tuple(sorted(state.open_alarms(), key=urgency))


def override_views(tables: Tables, state: JudgeState, now: Instant) -> tuple[OverrideView, ...]:
    """Every override, the one that ends first first."""
    views = [
        OverrideView(
            door=name,
            mode=override.mode,
            until=override.until,
            left_s=max(0.0, override.timers["end"] - now.mono_s),
            author=override.by,
            reason=override.reason,
            since=override.since,
            in_effect=state.door(name).layer is Layer.OVERRIDE,
        )
        for name, override in state.overrides.items()
    ]
    return tuple(sorted(views, key=lambda view: (view.left_s, view.door)))


def level_views(tables: Tables, state: JudgeState) -> tuple[LevelView, ...]:
    """Every threat level that stands, by area."""
    return tuple(
        LevelView(
            level=level.level,
            area=level.area,
            author=level.by,
            reason=level.reason,
            since=level.since,
            admit=tuple(sorted(level.admit)),
            doors=tuple(sorted(level.doors)),
            not_achieved=tuple(
                name
                for name in sorted(level.doors)
                if name in tables.doors and achieved(tables.doors[name], state.door(name)) is not Achieved.ACHIEVED
            ),
        )
        for _, level in sorted(state.levels.items())
    )


def lock_of(table: DoorTable, door: DoorState) -> LockState:
    """The bolt where it is monitored, otherwise what the relay says."""
    return door.bolt if table.bolt_device else door.lock


def achieved(table: DoorTable, door: DoorState) -> Achieved:
    """Whether a door is where its mode wants it. Locked means shut as well: a door standing open is not achieved."""
    wanted = LockState.UNLOCKED if door.mode is DoorMode.UNLOCKED else LockState.LOCKED
    if door.outside or door.not_secured:
        return Achieved.FAILED
    # A door with a bolt is locked when relay and bolt say so, and unlocked when neither says locked.
    if door.lock is not wanted or (
        table.bolt_device and (door.bolt is LockState.LOCKED) is not (wanted is LockState.LOCKED)
    ):
        return Achieved.PENDING
    shut = door.physical is PhysicalState.CLOSED or not table.contact_device
    return Achieved.ACHIEVED if wanted is LockState.UNLOCKED or shut else Achieved.PENDING


def _door(table: DoorTable, state: JudgeState, now: Instant) -> DoorView:
    door = state.door(table.name)
    return DoorView(
        door=table.name,
        label=table.label,
        area=table.area,
        mode=door.mode or DoorMode.LOCKED,
        layer=door.layer,
        why=door.why,
        until=door.until,
        waits_for_clock=door.waits_for_clock,
        physical=door.physical,
        lock=lock_of(table, door),
        achieved=achieved(table, door),
        phase=door.phase.value,
        open_since=door.opened_at,
        released=door.released_until_s > now.mono_s,
        tampered=door.tampered,
        fire=door.fire,
        taken_at=door.taken_at,
        taken_by=door.taken_by,
        taken_how=door.taken_how,
        alarms=tuple(one for one in state.alarms_of(table.name) if not state.alarms[one].alarm.silent),
    )
