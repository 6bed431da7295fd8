"""What the judge remembers besides doors: overrides, threat levels, open alarms, panic points, the site; and their rows.

Every value here becomes JSON and back without loss, so that a restart goes on exactly where the last run ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeAlias

from secd.model.alarm import Acknowledgement, Alarm, AlarmMode, Condition
from secd.model.doors import DoorMode
from secd.model.names import AlarmId, AreaId, CameraId, EventId, GroupId, LevelId, RuleId
from secd.policies.cabinets.state import LOSS, LossState
from secd.policies.doors.state import DoorState
from secd.policies.fire.state import FIRE, FireState, read_fire
from secd.policies.overrides.state import PERMIT, PermitState

DOOR, OVERRIDE, LEVEL, ALARM, PANIC, SITE = "door", "override", "level", "alarm", "panic", "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideState:
    """An operator's mode for one door. It always has an end, a reason and an author (S19)."""

    door: str
    mode: DoorMode
    until: datetime
    by: str
    reason: str
    since: datetime
    timers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelState:
    """A threat level that is set in an area: as it was defined when set, or when the policy was last activated."""

    level: LevelId
    area: AreaId
    by: str
    reason: str
    since: datetime
    admit: frozenset[GroupId]
    doors: frozenset[str]
    lockdown: bool
    two_operators: bool
    ending_by: str = ""
    """Who asked first for its end, where that takes two."""
    ending_until_s: float = 0.0
    """How long that request stands, as a second count."""

    @property
    def key(self) -> str:
        """Where it is kept."""
        return f"{self.area}/{self.level}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlarm:
    """`told_rev`: the last revision that a person must have seen to acknowledge; a receipt does not raise it."""

    alarm: Alarm
    told_rev: int
    latching: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicState:
    """What a panic point last said. `silent`: its check-ins stopped coming."""

    state: str = "unknown"
    silent: bool = False
    timers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteState:
    """What holds for the whole site. Its timer is the next scheduled change of a mode."""

    clock_untrusted: bool = False
    store_failed: bool = False
    timers: Mapping[str, float] = field(default_factory=dict)


Remembered: TypeAlias = (
    DoorState | OverrideState | LevelState | OpenAlarm | PanicState | SiteState | LossState | PermitState | FireState
)


def write_row(value: Remembered) -> dict[str, Any]:
    """As JSON-ready values."""
    match value:
        case DoorState():
            return value.to_row()
        case OpenAlarm():
            return {"alarm": _plain(value.alarm), "told_rev": value.told_rev, "latching": value.latching}
        case _:
            return _plain(value)


def read_row(kind: str, row: Mapping[str, Any]) -> Remembered:
    """From what `write_row` gave, or what became of it in JSON."""
    return _READERS[kind](row)


def _plain(value: Any) -> dict[str, Any]:
    return {one.name: _json(getattr(value, one.name)) for one in fields(value)}


def _json(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case Mapping():
            return dict(value)
        case str():
            return str(value)
        case _:
            return value


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _override(row: Mapping[str, Any]) -> OverrideState:
    return OverrideState(
        door=row["door"],
        mode=DoorMode(row["mode"]),
        until=datetime.fromisoformat(row["until"]),
        by=row["by"],
        reason=row["reason"],
        since=datetime.fromisoformat(row["since"]),
        timers=dict(row["timers"]),
    )


def _level(row: Mapping[str, Any]) -> LevelState:
    return LevelState(
        level=LevelId(row["level"]),
        area=AreaId(row["area"]),
        by=row["by"],
        reason=row["reason"],
        since=datetime.fromisoformat(row["since"]),
        admit=frozenset(GroupId(group) for group in row["admit"]),
        doors=frozenset(row["doors"]),
        lockdown=row["lockdown"],
        two_operators=row["two_operators"],
        ending_by=row.get("ending_by", ""),
        ending_until_s=row.get("ending_until_s", 0.0),
    )


def _open_alarm(row: Mapping[str, Any]) -> OpenAlarm:
    return OpenAlarm(alarm=_alarm(row["alarm"]), told_rev=row["told_rev"], latching=row["latching"])


def _alarm(row: Mapping[str, Any]) -> Alarm:
    return Alarm(
        id=AlarmId(row["id"]),
        rev=row["rev"],
        kind=row["kind"],
        rule=RuleId(row["rule"]),
        point=row["point"],
        label=row["label"],
        area=None if row["area"] is None else AreaId(row["area"]),
        priority=row["priority"],
        silent=row["silent"],
        latched=row["latched"],
        condition=Condition(row["condition"]),
        ack=Acknowledgement(row["ack"]),
        mode=AlarmMode(row["mode"]),
        occurrences=row["occurrences"],
        occurred=datetime.fromisoformat(row["occurred"]),
        detected=datetime.fromisoformat(row["detected"]),
        last=datetime.fromisoformat(row["last"]),
        cause=EventId(row["cause"]),
        press=row["press"],
        cameras=tuple(CameraId(camera) for camera in row["cameras"]),
        procedure=row["procedure"],
        received_by=tuple(row["received_by"]),
        acked_by=row["acked_by"],
        acked_at=_moment(row["acked_at"]),
        closed=row["closed"],
        reason=row["reason"],
    )


def _panic(row: Mapping[str, Any]) -> PanicState:
    return PanicState(state=row["state"], silent=row["silent"], timers=dict(row["timers"]))


def _site(row: Mapping[str, Any]) -> SiteState:
    return SiteState(
        clock_untrusted=row["clock_untrusted"], store_failed=row["store_failed"], timers=dict(row["timers"])
    )


def _loss(row: Mapping[str, Any]) -> LossState:
    return LossState(**{**row, "occurred": datetime.fromisoformat(row["occurred"]), "timers": dict(row["timers"])})


def _permit(row: Mapping[str, Any]) -> PermitState:
    moments = {name: datetime.fromisoformat(row[name]) for name in ("until", "since")}
    return PermitState(**{**row, **moments, "timers": dict(row["timers"])})


_READERS: dict[str, Callable[[Mapping[str, Any]], Remembered]] = {
    LOSS: _loss,
    PERMIT: _permit,
    FIRE: read_fire,
    DOOR: DoorState.from_row,
    OVERRIDE: _override,
    LEVEL: _level,
    ALARM: _open_alarm,
    PANIC: _panic,
    SITE: _site,
}
