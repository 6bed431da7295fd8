"""A small made-up site: sections that use every feature of the loader, and a way to load text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from secd.config.load import LoadedSite, load_site
from secd.config.types import (
    Day,
    DevicePoint,
    Digits,
    Finding,
    Flag,
    Name,
    Ref,
    Seconds,
    SecretRef,
    Section,
    Settings,
    Text,
    TimeOfDay,
    Whole,
)
from secd.model.errors import ConfigError, Problem


class Area(Settings):
    """A place."""

    within: Annotated[Name, Ref("areas")] | None = None
    restricted: Flag = False
    label: Text | None = None
    """A line for people."""


class NotThen(Settings):
    """Any other time."""

    not_: Annotated[Name, Ref("schedules")] = Field(alias="not")


class Rule(Settings):
    """Who may enter."""

    who: tuple[Annotated[Name, Ref("groups")], ...]
    when: Annotated[Name, Ref("schedules", extra=("always",))] | NotThen
    mode: Literal["card", "card_and_pin"]
    hold: Annotated[Seconds, Field(gt=0)] = 1.0
    per_area: dict[Annotated[Name, Ref("areas", extra=("outside",))], Whole] = Field(default={})


class Picture(Settings):
    """Cameras to ask."""

    cameras: tuple[Annotated[Name, Ref("devices")], ...] | Literal["of_the_door"]


class Snapshot(Settings):
    """Take a picture."""

    snapshot: Picture


class LevelSet(Settings):
    """Which level."""

    level: Name


class SetLevel(Settings):
    """Set a level."""

    set_threat_level: LevelSet


class Alarm(Settings):
    """What becomes an alarm."""

    panic: tuple[Annotated[Name, Ref("points")], ...] = ()
    do: tuple[Snapshot | SetLevel, ...] = ()
    silent: Flag = False


class Point(Settings):
    """A button."""

    input: DevicePoint


class Board(Settings):
    """A board."""

    driver: Literal["board"]
    address: Text
    pin: Digits | None = None


class Camera(Settings):
    """A camera."""

    driver: Literal["camera"]
    password: SecretRef
    since: Day | None = None
    at: TimeOfDay | None = None


class House(Settings):
    """The building."""

    name: Name
    floors: tuple[Whole, Whole] | None = None


def points_are_heard(values: Mapping[str, Any]) -> list[Finding]:
    """Every button has an alarm."""
    heard = {name for alarm in values["alarms"].values() for name in alarm.panic}
    return [
        Finding(path=("points", name), message=f"no alarm listens to {name}", expected="an alarm", code="unheard")
        for name in values["points"]
        if name not in heard
    ]


def nothing_is_outside(values: Mapping[str, Any]) -> list[Finding]:
    """A warning with a place deeper than anything written."""
    return [
        Finding(path=("areas", name, "within", 3), message="lies nowhere", code="nowhere", severity="warning")
        for name, area in values["areas"].items()
        if area.within is None and area.label == "lost"
    ]


SECTIONS = (
    Section(key="house", model=House, many=False, required=True),
    Section(key="areas", model=Area, check=nothing_is_outside),
    Section(key="groups", model=Area),
    Section(key="schedules", model=dict[Name, Text]),
    Section(key="rules", model=Rule),
    Section(key="alarms", model=Alarm),
    Section(key="points", model=Point, check=points_are_heard),
    Section(key="devices", model=Annotated[Board | Camera, Field(discriminator="driver")]),
    Section(key="formats", model=tuple[Name, ...], many=False),
    Section(key="cards", model=dict[Literal["format"], Annotated[Name, Ref("formats")]]),
)


def write(directory: Path, **files: str) -> Path:
    """A site of `NAME.yaml` files."""
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def load(path: Path) -> LoadedSite:
    """Load with the toy sections."""
    return load_site(path, SECTIONS)


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a site that must not load."""
    try:
        load_site(path, SECTIONS)
    except ConfigError as error:
        return error.problems
    raise AssertionError(f"{path} was accepted")


def only_problem(path: Path) -> Problem:
    """The one thing that is wrong."""
    problems = problems_of(path)
    assert len(problems) == 1, [f"{problem.line}:{problem.column} {problem.message}" for problem in problems]
    return problems[0]
