"""From checked settings to `Tables`: names resolved, areas spread out, schedules and rules as bits.

In: the values of a loaded site (section -> name -> settings) and the register. Out: one immutable generation. Refused:
nothing; `check` has refused it before.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from secd.config.types import point_device, point_number
from secd.model.alarm import AlarmMode
from secd.model.facts import PressKind
from secd.model.names import AreaId, CameraId, Digest, DoorId, GroupId, LevelId, RuleId
from secd.model.people import People
from secd.policies.access.calendar import ALWAYS, Calendar, Condition, Schedule, span_bits
from secd.policies.access.decision import AccessRule, build_access
from secd.policies.access.settings import (
    ALWAYS as ALWAYS_NAME,
)
from secd.policies.access.settings import (
    AreaSettings,
    HolidaySettings,
    LevelSettings,
    NotSchedule,
    ScheduleSettings,
    inside,
    level_doors,
)
from secd.policies.alarms.settings import AlarmSettings, PanicSettings
from secd.policies.cabinets.compile import compile_supply
from secd.policies.doors.settings import DoorSettings
from secd.policies.fire.settings import FireZoneSettings
from secd.policies.tables import AlarmRule, DoorTable, FireTable, LevelTable, ModeRow, PanicTable, Tables

__all__ = ["Tables", "compile_tables"]


def compile_tables(
    values: Mapping[str, Any], people: People, *, digest: Digest, time_zone: str, mode: AlarmMode
) -> Tables:
    """Compile a site that has been checked."""
    areas = values.get("areas", {})
    calendar = compile_calendar(values, time_zone)
    doors = {
        name: compile_door(name, door, values.get("door_modes", {}).get(name, ()), areas)
        for name, door in sorted(values.get("doors", {}).items())
    }
    by_event: dict[str, list[AlarmRule]] = {}
    by_press: dict[tuple[str, PressKind], list[AlarmRule]] = {}
    for name, alarm in sorted(values.get("alarms", {}).items()):
        rule = compile_alarm(name, alarm, areas)
        if alarm.when.event is not None:
            by_event.setdefault(alarm.when.event, []).append(rule)
        for point in alarm.when.panic or ():
            for press in PressKind:
                if alarm.when.press in {None, "any", press.value}:
                    by_press.setdefault((point, press), []).append(rule)
    conditions = {row.when for door in doors.values() for row in door.modes}
    return Tables(
        digest=digest,
        mode=mode,
        calendar=calendar,
        access=build_access(compile_rules(values), {name: door.area for name, door in doors.items()}, calendar, people),
        doors=doors,
        panic_points={name: _panic_point(name, point) for name, point in values.get("panic_points", {}).items()},
        fire_zones={
            name: _fire_zone(name, zone, areas, values.get("doors", {}))
            for name, zone in sorted(values.get("fire_zones", {}).items())
        },
        supply=compile_supply(values),
        levels={name: _level(name, level, values) for name, level in values.get("threat_levels", {}).items()},
        areas=frozenset(areas),
        rules_of_event={kind: tuple(rules) for kind, rules in by_event.items()},
        rules_of_press={press: tuple(rules) for press, rules in by_press.items()},
        doors_of_device=_doors_of_device(doors),
        mode_conditions=tuple(sorted(conditions, key=lambda one: (one.schedule or "", one.negated))),
    )


def compile_calendar(values: Mapping[str, Any], time_zone: str) -> Calendar:
    """Schedules and holidays as bits."""
    holidays: dict[int, set[str]] = {}
    for holiday in values.get("holidays", {}).values():
        for ordinal in _dates(holiday):
            holidays.setdefault(ordinal, set()).add(holiday.type)
    return Calendar(
        zone=ZoneInfo(time_zone),
        schedules={name: _schedule(settings) for name, settings in values.get("schedules", {}).items()},
        holidays={ordinal: tuple(sorted(types)) for ordinal, types in holidays.items()},
    )


def compile_rules(values: Mapping[str, Any]) -> list[AccessRule]:
    """Rules and denials with their areas spread out."""
    areas = values.get("areas", {})
    rules = []
    for section, forbids in (("rules", False), ("deny", True)):
        for name, rule in values.get(section, {}).items():
            covered = inside(rule.enter, areas, restricted=forbids) if rule.including_inside else frozenset(rule.enter)
            rules.append(
                AccessRule(
                    id=RuleId(name),
                    who=frozenset(GroupId(group) for group in rule.who),
                    areas=covered,
                    when=_condition(rule.when),
                    forbids=forbids,
                )
            )
    return rules


def compile_door(name: str, door: DoorSettings, modes: Any, areas: Mapping[str, AreaSettings]) -> DoorTable:
    """One door."""
    wiring = door.wiring
    contacts = tuple(_input(contact.input) for contact in wiring.every_contact)
    return DoorTable(
        name=DoorId(name),
        label=door.label or name,
        area=AreaId(door.to),
        from_area=door.from_,
        energise_to_unlock=door.relay == "energise_to_unlock",
        release_s=door.release,
        release_extended_s=door.release_extended,
        held_warn_s=door.held_open.warn,
        held_alarm_s=door.held_open.alarm,
        rex_releases=door.rex == "releases",
        rex_grace_s=door.rex_grace,
        relock_on_open=door.relock == "on_open",
        strict=door.audit == "strict",
        deny_on_store_failure=door.on_store_failure == "deny_entry",
        contact_device=contacts[0][0] if contacts else "",
        lock_device=_device(wiring.lock),
        rex_device=_device(wiring.rex),
        bolt_device=_device(wiring.bolt),
        has_reader=wiring.reader is not None,
        contacts=contacts,
        contacts_agree=wiring.contacts_are == "a_pair",
        exit_reader=_reader(wiring.exit_reader),
        reader_devices=tuple(sorted({_device(wiring.reader), _device(wiring.exit_reader)} - {""})),
        travel_s=door.travel or 0.0,
        rex_release_s=door.rex_release or door.release,
        rex_ignored_s=door.rex_ignored_after_closing,
        interlocked=_interlocked(name, areas),
        fire_hardwired=door.fire_release == "hardwired",
        unlock_on_fire=door.on_fire == "unlock",
        cameras=tuple(CameraId(camera) for camera in door.cameras),
        modes=tuple(
            ModeRow(
                unlocks=row.mode == "unlocked",
                when=_condition(row.when),
                first_card=frozenset(GroupId(group) for group in row.after_first_card)
                if isinstance(row.after_first_card, list)
                else frozenset(),
            )
            for row in modes
        ),
    )


def compile_alarm(name: str, alarm: AlarmSettings, areas: Mapping[str, Any]) -> AlarmRule:
    """One alarm rule. A silent one keeps only what cannot be noticed, unless somebody accepted it (S12)."""
    when = alarm.when
    subjects = when.doors or when.cameras or when.devices
    snapshots = [action.snapshot for action in alarm.do if action.snapshot is not None]
    levels = tuple(
        (LevelId(action.set_threat_level.level), AreaId(action.set_threat_level.in_))
        for action in alarm.do
        if action.set_threat_level is not None
    )
    return AlarmRule(
        id=RuleId(name),
        label=alarm.label or name,
        priority=alarm.priority,
        silent=alarm.silent,
        latching=alarm.latching or when.panic is not None,
        procedure=alarm.procedure or "",
        subjects=frozenset(subjects) if subjects is not None else None,
        areas=inside(when.areas, areas, restricted=True) if when.areas is not None else None,
        reasons=frozenset(when.reason) if when.reason is not None else None,
        snapshot=tuple(
            CameraId(camera)
            for snapshot in snapshots
            if isinstance(snapshot.cameras, list)
            for camera in snapshot.cameras
        ),
        snapshot_of_door=any(snapshot.cameras == "of_the_door" for snapshot in snapshots),
        levels=() if alarm.silent and alarm.visible is None else levels,
    )


def _schedule(settings: ScheduleSettings) -> Schedule:
    holidays: dict[str, int | None] | None = {}
    if settings.holidays == "not_needed":
        holidays = None
    elif isinstance(settings.holidays, dict):
        holidays = {kind: None if spans == "not_needed" else _bits(spans) for kind, spans in settings.holidays.items()}
    return Schedule(
        week=tuple(span_bits(spans) for spans in settings.week),
        holidays=holidays,
        exceptions={day.toordinal(): _bits(spans) for day, spans in settings.exceptions.items()},
    )


def _bits(spans: str | list[tuple[int, int]]) -> int:
    return 0 if isinstance(spans, str) else span_bits(spans)


def _dates(holiday: HolidaySettings) -> list[int]:
    if holiday.from_ is not None and holiday.to is not None:
        return list(range(holiday.from_.toordinal(), holiday.to.toordinal() + 1))
    return [day.toordinal() for day in holiday.dates]


def _condition(when: str | NotSchedule) -> Condition:
    name, negated = (when.not_, True) if isinstance(when, NotSchedule) else (when, False)
    if name == ALWAYS_NAME:
        return Condition(schedule=None, negated=True) if negated else ALWAYS
    return Condition(schedule=name, negated=negated)


def _device(point: str | None) -> str:
    return point_device(point) if point is not None else ""


def _input(point: str) -> tuple[str, str]:
    return point_device(point), f"input/{point_number(point)}"


def _reader(point: str | None) -> str:
    return f"{point_device(point)}/{point_number(point)}" if point is not None else ""


def _interlocked(name: str, areas: Mapping[str, AreaSettings]) -> tuple[tuple[AreaId, tuple[DoorId, ...]], ...]:
    return tuple(
        (AreaId(area), tuple(DoorId(door) for door in sorted(set(settings.interlock)) if door != name))
        for area, settings in sorted(areas.items())
        if name in settings.interlock
    )


def _fire_zone(
    name: str, zone: FireZoneSettings, areas: Mapping[str, AreaSettings], doors: Mapping[str, DoorSettings]
) -> FireTable:
    within = inside(zone.areas, areas, restricted=True)
    return FireTable(
        name=name,
        label=zone.label or name,
        device=point_device(zone.input),
        areas=tuple(AreaId(area) for area in sorted(within)),
        doors=tuple(DoorId(one) for one, door in sorted(doors.items()) if within & {door.from_, door.to}),
    )


def _panic_point(name: str, point: PanicSettings) -> PanicTable:
    return PanicTable(
        name=name,
        label=point.label or name,
        area=AreaId(point.area),
        device=_device(point.input or point.button),
        press=PressKind(point.press) if point.press is not None else PressKind.HELP,
        wireless=point.button is not None,
        check_in_s=point.check_in or 0.0,
    )


def _level(name: str, level: LevelSettings, values: Mapping[str, Any]) -> LevelTable:
    areas, doors = values.get("areas", {}), values.get("doors", {})
    return LevelTable(
        name=LevelId(name),
        admit=tuple(GroupId(group) for group in level.admit),
        two_operators=level.end_needs == "2 operators",
        lockdown=level.layer == "lockdown",
        doors={AreaId(area): tuple(DoorId(door) for door in level_doors(level, area, areas, doors)) for area in areas},
    )


def _doors_of_device(doors: Mapping[str, DoorTable]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, door in doors.items():
        devices = {device for device, _ in door.contacts} | {door.lock_device, door.rex_device, door.bolt_device}
        for device in sorted((devices | set(door.reader_devices)) - {""}):
            found.setdefault(device, []).append(name)
    return {device: tuple(names) for device, names in found.items()}
