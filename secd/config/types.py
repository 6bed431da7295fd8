"""The scalar types settings are written in. Every YAML scalar arrives as the text that was written; these give it a type.

A settings class derives from `Settings`. A reference to a named thing elsewhere in the site is `Ref("doors")` in an
Annotated type; the loader resolves it and says "did you mean". Units: durations are seconds as float.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema


class Settings(BaseModel):
    """Base of every settings class: frozen, unknown keys refused, nothing coerced by spelling."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a name that must exist in another section (or in one of several)."""

    sections: tuple[str, ...]

    def __init__(self, *sections: str) -> None:
        object.__setattr__(self, "sections", sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One top-level key of a site's YAML: who owns it, its settings class, and whether it maps names to many of them.

    `many=True`: `doors: {east: {...}}`; names are unique across all files. `many=False`: written once in the site.
    `check` sees the whole site (section key -> validated value) and yields (path into the section, message, expected).
    """

    key: str
    model: Any
    many: bool = True
    required: bool = False
    check: Callable[[Mapping[str, Any]], list["Finding"]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake seen by a section's check. `path` starts at the section key, e.g. ("doors", "east", "egress")."""

    path: tuple[str | int, ...]
    message: str
    expected: str = ""
    code: str = ""
    severity: str = field(default="error")


_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration_s(text: object) -> object:
    """`5s`, `250ms`, `10m`, `1h`, `30d` as seconds."""
    if not isinstance(text, str):
        return text
    match = _DURATION.match(text)
    if match is None:
        raise ValueError("a duration is a number and a unit: 250ms, 5s, 10m, 1h, 30d")
    return float(match[1]) * _UNITS_S[match[2]]


def parse_whole(text: object) -> object:
    """Digits as a whole number; leading zeros are allowed and mean nothing."""
    if isinstance(text, str):
        if not re.fullmatch(r"\d{1,18}", text):
            raise ValueError("a whole number is written in digits")
        return int(text)
    return text


def parse_flag(text: object) -> object:
    """Only `true` and `false`: yes, no, on and off are names."""
    if isinstance(text, str):
        if text not in {"true", "false"}:
            raise ValueError("write true or false")
        return text == "true"
    return text


def parse_time_of_day(text: object) -> object:
    """`HH:MM`, 00:00 to 23:59."""
    if isinstance(text, str):
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError("a time of day is HH:MM, from 00:00 to 23:59")
        return time(int(text[:2]), int(text[3:]))
    return text


def parse_date(text: object) -> object:
    """`YYYY-MM-DD`."""
    if isinstance(text, str):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise ValueError("a date is YYYY-MM-DD and must exist") from error
    return text


def parse_local_moment(text: object) -> object:
    """`YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`, in the site's zone; a bare date is its first instant."""
    if isinstance(text, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?", text):
            raise ValueError("a moment is YYYY-MM-DD or YYYY-MM-DD HH:MM")
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError("a moment is YYYY-MM-DD HH:MM and must exist") from error
    return text


def _one_line(text: str) -> str:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("no control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_one_line)]
"""A line for people."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A name of a thing: letters, digits, hyphen, dot, underscore."""
Digits = Annotated[str, StringConstraints(pattern=r"^\d{1,20}$")]
"""Digits kept as written: a card number, a facility code, a PIN length. Leading zeros stay."""
Seconds = Annotated[float, BeforeValidator(parse_duration_s), WithJsonSchema({"type": "string", "pattern": _DURATION.pattern, "examples": ["5s"]})]
Whole = Annotated[int, BeforeValidator(parse_whole)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
TimeOfDay = Annotated[time, BeforeValidator(parse_time_of_day), WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d$", "examples": ["22:30"]})]
Day = Annotated[date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})]
LocalMoment = Annotated[datetime, BeforeValidator(parse_local_moment), WithJsonSchema({"type": "string", "examples": ["2026-11-23 09:00"]})]


class SecretRef(Settings):
    """Where a secret is: exactly one of a systemd credential's name, a file's path, an environment variable's name."""

    credential: Name | None = None
    file: Text | None = None
    environment: Name | None = None

    def model_post_init(self, context: Any, /) -> None:
        if sum(place is not None for place in (self.credential, self.file, self.environment)) != 1:
            raise ValueError("a secret is named by exactly one of credential, file, environment")
