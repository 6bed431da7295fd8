"""What an administrator writes about time and access: schedules, holidays, areas, rules, denials, door modes, levels.

In: validated YAML. Out: settings classes, and which areas and doors they reach. Refused: what would be open because something
was left out (S9). What only the whole site shows is refused in `checks.py`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from secd.config.types import Day, Flag, Name, Ref, ScalarError, Settings, Text

OUTSIDE = "outside"
ALWAYS = "always"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_HOLIDAY_TYPE = "holiday"
HOLIDAY_DAYS_MAX = 366

_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")


def parse_span(text: object) -> object:
    """`HH:MM-HH:MM` as (start, end) minutes of the day it starts on; half-open; an end past midnight is over 1440."""
    if not isinstance(text, str):
        return text
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ScalarError("a span of time is HH:MM-HH:MM; it may end at 24:00, or on the next day")
    start = int(match[1]) * 60 + int(match[2])
    end = 1440 if match[3] == "24:00" else int(match[4]) * 60 + int(match[5])
    if start == end:
        raise ScalarError("a span that starts when it ends; the whole day is 00:00-24:00")
    return start, end if end > start else end + 1440


def day_range(key: str) -> tuple[int, ...] | None:
    """`mon` or `mon-fri` as weekday numbers, Monday 0; None where it is neither."""
    first, dash, last = key.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        return None
    start, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
    return tuple(range(start, end + 1)) if start <= end else (*range(start, 7), *range(end + 1))


Span = Annotated[
    tuple[int, int],
    BeforeValidator(parse_span),
    WithJsonSchema({"type": "string", "pattern": _SPAN.pattern, "examples": ["07:00-18:30"]}),
]
Spans = Annotated[list[Span], Field(min_length=1, max_length=24)]
DaySpans = Literal["closed"] | Spans
ScheduleName = Annotated[Name, Ref("schedules", extra=(ALWAYS,))]
AreaName = Annotated[Name, Ref("areas")]
GroupName = Annotated[Name, Ref("groups")]


class ScheduleSettings(Settings):
    """Wall-clock times by weekday: `mon-fri: ["07:00-18:30"]`. A span past midnight belongs to the day it starts on."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Spans]

    holidays: Literal["closed", "not_needed"] | dict[Name, Literal["closed", "not_needed"] | Spans]
    """What happens on holidays; `not_needed` says that they change nothing. By type: a type left out is closed."""
    exceptions: dict[Day, DaySpans] = Field(default_factory=dict)
    """Single dates that differ; they win over holidays and weekdays."""
    label: Text | None = None

    @model_validator(mode="after")
    def _days_are_days(self) -> "ScheduleSettings":
        seen: dict[int, str] = {}
        for key in self.__pydantic_extra__:
            days = day_range(key)
            if days is None:
                raise ValueError(f"unknown key `{key}`; days are written mon, sat-sun, mon-fri")
            for day in days:
                if day in seen:
                    raise ValueError(f"{DAYS[day]} is in `{seen[day]}` and in `{key}`; write each day once")
                seen[day] = key
        return self

    @property
    def week(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The spans of Monday to Sunday."""
        week: list[tuple[tuple[int, int], ...]] = [()] * 7
        for key, spans in self.__pydantic_extra__.items():
            for day in day_range(key) or ():
                week[day] = tuple(spans)
        return tuple(week)


class HolidaySettings(Settings):
    """Dates that are not ordinary: `dates`, or `from` and `to`, both included."""

    dates: list[Day] = Field(default_factory=list)
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    type: Name = DEFAULT_HOLIDAY_TYPE
    """Schedules may treat each type differently."""
    label: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "HolidaySettings":
        ranged = self.from_ is not None and self.to is not None
        if bool(self.dates) == ranged or (self.from_ is None) != (self.to is None):
            raise ValueError("a holiday is written as `dates: [...]`, or as `from` and `to`")
        if self.from_ is not None and self.to is not None and not 0 <= (self.to - self.from_).days < HOLIDAY_DAYS_MAX:
            raise ValueError("`to` is on or after `from`, at most a year later")
        return self


class AreaSettings(Settings):
    """A place that doors lead into. `restricted`: never entered by inheritance, only by a rule that names it."""

    within: AreaName | None = None
    restricted: Flag = False
    interlock: list[Annotated[Name, Ref("doors")]] = Field(default_factory=list)
    """Doors of which only one at a time lets anybody in; leaving is never held up by it (S5)."""
    label: Text | None = None


class NotSchedule(Settings):
    """Every time but these."""

    not_: Annotated[ScheduleName, Field(alias="not")]


When = ScheduleName | NotSchedule


class RuleSettings(Settings):
    """Who may enter where and when. It covers only the areas it names (S9)."""

    who: Annotated[list[GroupName], Field(min_length=1)]
    enter: Annotated[list[AreaName], Field(min_length=1)]
    including_inside: Flag = False
    """Also the areas within them, but never a restricted one."""
    when: When
    with_: Annotated[Literal["card"], Field(alias="with")] = "card"
    label: Text | None = None


class DenySettings(Settings):
    """Who may not, whatever the rules say. Restricted areas within are covered too: a denial is never too wide."""

    who: Annotated[list[GroupName], Field(min_length=1)]
    enter: Annotated[list[AreaName], Field(min_length=1)]
    including_inside: Flag = False
    when: When
    label: Text | None = None


class DoorModeSettings(Settings):
    """A mode that a door has at certain times. `locked` wins over `unlocked` where both apply."""

    mode: Literal["unlocked", "locked"]
    when: When
    after_first_card: Literal["not_needed"] | Annotated[list[GroupName], Field(min_length=1)] | None = None
    """Required for `unlocked`: the groups whose first passage unlocks the door, or `not_needed`."""


class CloseSettings(Settings):
    """Which areas' doors a level closes, with the areas inside them."""

    areas: Annotated[list[AreaName], Field(min_length=1)]
    including_restricted: Flag = False


class LevelSettings(Settings):
    """A threat level: doors of its areas are locked and only `admit` groups are still released, by their own rules."""

    admit: Annotated[list[GroupName], Field(min_length=1)]
    close: CloseSettings
    end_needs: Literal["2 operators", "1 operator"]
    layer: Literal["lockdown", "threat_level"] = "lockdown"
    """`lockdown` stands above operators' overrides; `threat_level` below them (S2)."""
    label: Text | None = None


def surrounding(name: str, areas: Mapping[str, AreaSettings]) -> list[str]:
    """The areas around one, nearest first; ends where a circle closes."""
    around: list[str] = []
    outer = areas[name].within if name in areas else None
    while outer is not None and outer in areas and outer not in around:
        around.append(outer)
        outer = areas[outer].within
    return around


def inside(names: list[str], areas: Mapping[str, AreaSettings], *, restricted: bool) -> frozenset[str]:
    """These areas and all within them; an inner restricted one (and what lies in it) only with `restricted`."""
    covered = set(names)
    for name in areas:
        path = [name, *surrounding(name, areas)]
        nearest = next((index for index, area in enumerate(path) if area in names), None)
        if nearest is None:
            continue
        if restricted or not any(areas[area].restricted for area in path[:nearest]):
            covered.add(name)
    return frozenset(covered)


def level_doors(
    level: LevelSettings, area: str | None, areas: Mapping[str, AreaSettings], doors: Mapping[str, Any]
) -> tuple[str, ...]:
    """The doors a level closes when it is set in `area` (None: in all of its areas)."""
    closing = inside(level.close.areas, areas, restricted=level.close.including_restricted)
    if area is not None:
        closing &= inside([area], areas, restricted=True)
    open_to = {
        name
        for name, settings in areas.items()
        if settings.restricted and not level.close.including_restricted and name not in closing
    }
    return tuple(
        name
        for name, door in sorted(doors.items())
        if door.to in closing or (door.from_ in closing and door.to not in open_to)
    )
