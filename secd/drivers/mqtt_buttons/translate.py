"""Messages of a gateway to what they say. Pure.

In: topic and bytes, from anybody who may publish there. Out: a press, a check-in, or why it is neither. A message that
names a press kind is a press, whatever else in it is wrong: what is wrong is told beside it (S13, S15).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from secd.model.facts import PressKind

PAYLOAD_BYTES_MAX = 4096
PRESSES_MAX = 10_000
PRESS_ID_CHARACTERS_MAX = 80
_BUTTON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KINDS = {kind.value: kind for kind in PressKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button was pressed. `sent` is the button's own time, where it says one."""

    button: str
    press: PressKind
    presses: int = 1
    press_id: str = ""
    sent: datetime | None = None
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """A button's radio works."""

    button: str
    battery_percent: int | None
    tampered: bool
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Neither. `button` is "" where even that cannot be read."""

    button: str
    why: str


Said: TypeAlias = Press | CheckIn | Malformed


def read_message(base: str, topic: str, payload: bytes) -> Said | None:
    """What a message says; None for an empty one, which only clears what the broker retained."""
    button, _, part = topic.removeprefix(f"{base}/").partition("/")
    if _BUTTON.fullmatch(button) is None:
        return Malformed(button="", why="the topic names no button")
    if not payload:
        return None
    if len(payload) > PAYLOAD_BYTES_MAX:
        return Malformed(button=button, why=f"{len(payload)} bytes are too many")
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Malformed(button=button, why="it is not JSON")
    if not isinstance(body, dict):
        return Malformed(button=button, why="it is not a JSON object")
    match part:
        case "press":
            return _press(button, body)
        case "state":
            return _check_in(button, body)
    return Malformed(button=button, why="the topic is neither press nor state")


def _press(button: str, body: Mapping[str, Any]) -> Said:
    named = body.get("press")
    kind = _KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        return Malformed(button=button, why="press is none of " + ", ".join(_KINDS))
    flaws: list[str] = []
    presses = body.get("presses", 1)
    if not _whole(presses, 1, PRESSES_MAX):
        presses = 1
        flaws.append("presses is no count")
    press_id = body.get("press_id", "")
    if not isinstance(press_id, str) or len(press_id) > PRESS_ID_CHARACTERS_MAX:
        press_id = ""
        flaws.append("press_id is no short text")
    sent, flaw = _moment(body.get("sent"))
    return Press(button=button, press=kind, presses=presses, press_id=press_id, sent=sent, flaws=(*flaws, *flaw))


def _check_in(button: str, body: Mapping[str, Any]) -> Said:
    flaws: list[str] = []
    battery = body.get("battery")
    if battery is not None and not _whole(battery, 0, 100):
        battery = None
        flaws.append("battery is no percentage")
    tampered = body.get("tampered", False)
    if not isinstance(tampered, bool):
        return Malformed(button=button, why="tampered is neither true nor false")
    return CheckIn(button=button, battery_percent=battery, tampered=tampered, flaws=tuple(flaws))


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _moment(value: object) -> tuple[datetime | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return None, ("sent is no time with a zone",)
    return moment, ()
