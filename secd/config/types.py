"""The scalar types settings are written in. Every YAML scalar arrives as the text that was written; these give it a type.

A settings class derives from `Settings`. A reference to a named thing elsewhere in the site is `Ref("doors")` in an
Annotated type; the loader resolves it and says "did you mean". Units: durations are seconds as float.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class ScalarError(ValueError):
    """A scalar that cannot be read as its type; the text says what is expected instead."""


class Settings(BaseModel):
    """Base of every settings class: frozen, unknown keys refused, nothing coerced by spelling."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a name that must exist in another section (or in one of several), or be one of the built-in `extra` names.

    `point=True`: the text is `device/number`; only the part before the slash is the name.
    """

    sections: tuple[str, ...]
    extra: tuple[str, ...]
    point: bool

    def __init__(self, *sections: str, extra: tuple[str, ...] = (), point: bool = False) -> None:
        object.__setattr__(self, "sections", sections)
        object.__setattr__(self, "extra", extra)
        object.__setattr__(self, "point", point)

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            **handler(core_schema),
            REF_MARK: {"sections": list(self.sections), "extra": list(self.extra), "point": self.point},
        }


REF_MARK = "x-secd-ref"
"""Where a JSON Schema says which names a text may be; `config.schema` turns it into enums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One top-level key of a site's YAML: who owns it, its settings class, and whether it maps names to many of them.

    `many=True`: `doors: {east: {...}}`; names are unique across all files. `many=False`: written once in the site.
    `check` sees the whole site (section key -> validated value) and yields (path into the section, message, expected); asking
    for a section that is not known ends it, and what it yielded before stays.
    `complete` is given each value and the whole site before the checks, and returns the value with what it refers to.
    """

    key: str
    model: Any
    many: bool = True
    required: bool = False
    check: Callable[[Mapping[str, Any]], Iterable["Finding"]] | None = None
    complete: Callable[[Any, Mapping[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake seen by a section's check. `path` starts at the section key, e.g. ("doors", "east", "egress")."""

    path: tuple[str | int, ...]
    message: str
    expected: str = ""
    code: str = ""
    severity: str = field(default="error")


_DURATION = re.compile(r"^([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|d)$")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration_s(text: object) -> object:
    """`5s`, `250ms`, `10m`, `1h`, `30d` as seconds."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ScalarError("a duration is a number and a unit: 250ms, 5s, 10m, 1h, 30d")
    return float(match[1]) * _UNITS_S[match[2]]


def parse_whole(text: object) -> object:
    """Digits as a whole number; leading zeros are allowed and mean nothing."""
    if isinstance(text, str):
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise ScalarError("a whole number is written in digits")
        return int(text)
    return text


def parse_flag(text: object) -> object:
    """Only `true` and `false`: yes, no, on and off are names."""
    if isinstance(text, str):
        if text not in {"true", "false"}:
            raise ScalarError("write true or false")
        return text == "true"
    return text


def parse_time_of_day(text: object) -> object:
    """`HH:MM`, 00:00 to 23:59."""
    if isinstance(text, str):
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
            raise ScalarError("a time of day is HH:MM, from 00:00 to 23:59")
        return time(int(text[:2]), int(text[3:]))
    return text


def parse_date(text: object) -> object:
    """`YYYY-MM-DD`."""
    if isinstance(text, str):
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ScalarError("a date is YYYY-MM-DD")
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ScalarError("a date is YYYY-MM-DD and must exist") from error
    return text


def parse_local_moment(text: object) -> object:
    """`YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`, in the site's zone; a bare date is its first instant."""
    if isinstance(text, str):
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", text):
            raise ScalarError("a moment is YYYY-MM-DD or YYYY-MM-DD HH:MM")
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise ScalarError("a moment is YYYY-MM-DD HH:MM and must exist") from error
    return text


def _one_line(text: str) -> str:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ScalarError("one line without control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_one_line)]
"""A line for people."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A name of a thing: letters, digits, hyphen, dot, underscore."""
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
"""Digits kept as written: a card number, a facility code, a PIN length. Leading zeros stay."""
Seconds = Annotated[
    float,
    BeforeValidator(parse_duration_s),
    WithJsonSchema({"type": "string", "pattern": _DURATION.pattern, "examples": ["5s"]}),
]
Whole = Annotated[int, BeforeValidator(parse_whole)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time_of_day),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}$", "examples": ["22:30"]}),
]
Day = Annotated[date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})]
LocalMoment = Annotated[
    datetime, BeforeValidator(parse_local_moment), WithJsonSchema({"type": "string", "examples": ["2026-11-23 09:00"]})
]


DevicePoint = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(/[1-9][0-9]{0,3})?$"),
    Ref("devices", point=True),
]
"""A numbered point of a device, `public-board/3`; the number may be left out where a device has one such point (1)."""
DeviceButton = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"),
    Ref("devices", point=True),
]
"""A named point of a device, `wireless-buttons/badge-1`."""


PoweredBy = Annotated[Name, Ref("cabinets", "switches", "devices")]
"""The cabinet, the switch or the device whose supply something runs on."""
ConnectedTo = Annotated[Name, Ref("switches", "devices")]
"""The switch or the device through which something is reached."""


class DeviceSettings(Settings):
    """What may be said of any device; every family's settings derive from it."""

    label: Text | None = None
    """What is written on the cabinet or the housing."""
    installed: Day | None = None
    powered_by: PoweredBy | None = None
    """Its supply: devices that share one and go away together are one alarm (S17)."""
    connected_to: ConnectedTo | None = None
    """Its way through the network, likewise."""


def point_device(reference: str) -> str:
    """The device of `device/number` or `device/name`."""
    return reference.partition("/")[0]


def point_number(reference: str) -> int:
    """The number of `device/number`; 1 where none is written."""
    return int(reference.partition("/")[2] or "1")


def point_name(reference: str) -> str:
    """The part after the slash of `device/name`; "" where none is written."""
    return reference.partition("/")[2]


class SecretRef(Settings):
    """Where a secret is: exactly one of a systemd credential's name, a file's path, an environment variable's name."""

    credential: Name | None = None
    file: Text | None = None
    environment: Name | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Refuse no place, and more than one."""
        if sum(place is not None for place in (self.credential, self.file, self.environment)) != 1:
            raise ValueError("a secret is named by exactly one of credential, file, environment")
