"""What `check` refuses of times, areas, door modes and threat levels when it sees the whole site (S3, S9).

In: the site's settings by section. Out: findings, those of the section alone before those that ask for another.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from secd.config.types import Finding, Section
from secd.policies.access.settings import (
    ALWAYS,
    OUTSIDE,
    AreaSettings,
    DenySettings,
    DoorModeSettings,
    HolidaySettings,
    LevelSettings,
    RuleSettings,
    ScheduleSettings,
    level_doors,
    surrounding,
)


def check_schedules(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Names that secd keeps, schedules that never apply, and holiday types nobody declares."""
    schedules = values.get("schedules", {})
    yield from _kept_name("schedules", ALWAYS, schedules)
    for name, schedule in schedules.items():
        if not any(schedule.week) and not schedule.exceptions:
            yield Finding(
                path=("schedules", name),
                message="this schedule never applies: it has no day",
                expected='days with times: mon-fri: ["07:00-18:30"]',
                code="empty_schedule",
            )
    typed = {name: one.holidays for name, one in schedules.items() if isinstance(one.holidays, dict)}
    types = {holiday.type for holiday in values.get("holidays", {}).values()} if typed else set()
    for name, holidays in typed.items():
        for kind in holidays:
            if kind not in types:
                yield Finding(
                    path=("schedules", name, "holidays", kind),
                    message=f"no holiday has the type {kind}",
                    expected=f"one of {', '.join(sorted(types)) or 'none yet'}",
                    code="unknown_holiday_type",
                )


def check_areas(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Names that secd keeps, and areas that lie within themselves."""
    areas = values.get("areas", {})
    yield from _kept_name("areas", OUTSIDE, areas)
    for name in areas:
        if name in surrounding(name, areas):
            yield Finding(
                path=("areas", name, "within"),
                message=f"{name} lies within itself",
                expected="the area that surrounds it, or no `within`",
                code="area_within_itself",
            )
    for name, area in areas.items():
        if len(area.interlock) == 1:
            yield Finding(
                path=("areas", name, "interlock"),
                message="one door alone is no interlock",
                expected="at least 2 doors into and out of this area",
                code="interlock_too_small",
            )
        yield from _interlock(name, area.interlock, values)


def _interlock(name: str, interlock: list[str], values: Mapping[str, Any]) -> Iterator[Finding]:
    """The doors of a sally port are its own, can be seen to be shut, and are never unlocked by a schedule (S5)."""
    doors, modes = values.get("doors", {}), values.get("door_modes", {})
    for index, door in enumerate(interlock):
        path = ("areas", name, "interlock", index)
        settings = doors.get(door)
        if door in interlock[:index]:
            yield Finding(
                path=path, message=f"{door} is listed twice", expected="each door once", code="interlock_door_twice"
            )
        elif settings is not None and name not in {settings.from_, settings.to}:
            yield Finding(
                path=path,
                message=f"{door} leads neither into {name} nor out of it",
                expected=f"doors with from: {name} or to: {name}",
                code="interlock_door_elsewhere",
            )
        elif settings is not None and not settings.wiring.every_contact:
            yield Finding(
                path=path,
                message=f"{door} has no contact, so it is never known to be shut, and the others let nobody in (S5)",
                expected="wiring: {contact: {input: DEVICE/NUMBER, closed_is: 1}}",
                code="interlock_without_contact",
            )
    for index, door in enumerate(interlock):
        if any(row.mode == "unlocked" for row in modes.get(door, ())):
            yield Finding(
                path=("areas", name, "interlock", index),
                message=f"{door} is unlocked by its door_modes: meanwhile the others let nobody in (S5)",
                expected=f"no mode: unlocked for {door}",
                code="interlock_door_unlocked",
            )


def check_door_modes(values: Mapping[str, Any]) -> Iterator[Finding]:
    """An unlock says whether it waits for the first card (S9), and keys are doors."""
    modes = values.get("door_modes", {})
    for name, rows in modes.items():
        for index, row in enumerate(rows):
            if row.mode == "unlocked" and row.after_first_card is None:
                yield Finding(
                    path=("door_modes", name, index),
                    message="an unlocked door must say whether it waits for the first person to arrive",
                    expected="after_first_card: [GROUPS], or after_first_card: not_needed",
                    code="after_first_card_missing",
                )
    for name in modes:
        if name not in values.get("doors", {}):
            yield Finding(
                path=("door_modes", name),
                message=f"there is no door {name}",
                expected="a name from `doors`",
                code="unknown_door",
            )
    for name, rows in modes.items():
        door = values.get("doors", {}).get(name)
        for index, row in enumerate(rows):
            if isinstance(row.after_first_card, list) and door is not None and not door.wiring.every_contact:
                yield Finding(
                    path=("door_modes", name, index, "after_first_card"),
                    message=f"{name} has no contact: that the first person passed is never seen, so it stays locked (S9)",
                    expected="a contact, or after_first_card: not_needed",
                    code="first_card_without_contact",
                )


def check_levels(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Ending a lockdown needs two operators (S3), and a level has to close something."""
    levels = values.get("threat_levels", {})
    for name, level in levels.items():
        if level.layer == "lockdown" and level.end_needs != "2 operators":
            yield Finding(
                path=("threat_levels", name, "end_needs"),
                message="one operator alone could end this lockdown",
                expected="end_needs: 2 operators, or layer: threat_level",
                code="lockdown_ended_by_one",
            )
    for name, level in levels.items():
        if not level_doors(level, None, values.get("areas", {}), values.get("doors", {})):
            yield Finding(
                path=("threat_levels", name, "close"),
                message="no door belongs to these areas, so this level closes nothing",
                expected="areas that doors lead into",
                code="level_closes_nothing",
            )


def _kept_name(section: str, name: str, written: Mapping[str, Any]) -> Iterator[Finding]:
    if name in written:
        yield Finding(
            path=(section, name),
            message=f"{name} is built in and cannot be written here",
            expected="another name",
            code="built_in_name",
        )


SECTIONS = (
    Section(key="schedules", model=ScheduleSettings, check=check_schedules),
    Section(key="holidays", model=HolidaySettings),
    Section(key="areas", model=AreaSettings, required=True, check=check_areas),
    Section(key="rules", model=RuleSettings),
    Section(key="deny", model=DenySettings),
    Section(key="door_modes", model=Annotated[list[DoorModeSettings], Field(min_length=1)], check=check_door_modes),
    Section(key="threat_levels", model=LevelSettings, check=check_levels),
)
