"""What `check` refuses of panic points and alarms (S11, S12, S13).

In: the site's settings by section. Out: findings, those of the section alone before those that ask for another. Refused: a
button nobody would hear, a press a poll could miss, a silent alarm that can be noticed, a rule that could never match.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from secd.config.types import Finding, Section, Text, point_device
from secd.model.event import KINDS
from secd.policies.access.settings import level_doors
from secd.policies.alarms.settings import ActionSettings, AlarmSettings, PanicSettings, SetThreatLevel, WhenSettings
from secd.policies.doors.checks import Use, door_inputs, used_twice

PRESSES = ("help", "lockdown")
BOARDS_FOR_PANIC = frozenset({"secd-panic-panel", "secd-door-controller"})
"""Boards with supervised inputs that latch what is shorter than a poll. Any other is refused until it is known."""
NOT_MATCHED = ("alarm.", "operator.", "timer.", "policy.")
"""Kinds an alarm rule may not wait for: alarms never raise alarms."""


def check_panic_points(values: Mapping[str, Any]) -> Iterator[Finding]:
    """A press must be seen (S11) and heard (S13)."""
    points = values.get("panic_points", {})
    for name, point in points.items():
        for path, code, message, expected in (*_wired(point), *_wireless(point)):
            yield Finding(path=("panic_points", name, *path), message=message, expected=expected, code=code)
    inputs = list(_panic_inputs(points))
    yield from used_twice(inputs, "input")
    for name, point in points.items():
        yield from _listeners(name, point, values.get("alarms", {}))
    of_doors = list(door_inputs(values.get("doors", {})))
    known = [finding.path for finding in used_twice(inputs, "input")]
    for finding in used_twice([*of_doors, *inputs], "input"):
        if finding.path[0] == "panic_points" and finding.path not in known:
            yield finding
    for name, point in points.items():
        yield from _board(name, point, values.get("devices", {}))


_Row = tuple[tuple[str, ...], str, str, str]


def _wired(point: PanicSettings) -> Iterator[_Row]:
    if (point.input is None) == (point.button is None):
        yield (
            (),
            "panic_point_place",
            "a panic point is either wired or wireless",
            "input: DEVICE/NUMBER, or button: DEVICE/NAME",
        )
    if point.input is None:
        return
    if point.latched_by is None:
        yield (
            (),
            "panic_not_latched",
            "a press shorter than the poll could be missed (S11)",
            "latched_by: board (an input board with hardware latches or counters), or a latching button",
        )
    end_of_line = point.supervised is not None and point.supervised.kind == "end_of_line"
    if end_of_line and point.supervised is not None and point.supervised.ohms is None:
        yield (("supervised",), "end_of_line_ohms", "the resistor's value is missing", "ohms: 2200")
    if point.supervised is None:
        yield (
            (),
            "panic_not_supervised",
            "a cut line to this button would look quiet (S11)",
            "supervised: {kind: end_of_line, ohms: 2200}, or supervised: {kind: none} to accept it",
        )
    if point.check_in is not None:
        yield (("check_in",), "check_in_of_wired", "only a wireless button checks in", "no check_in")


def _wireless(point: PanicSettings) -> Iterator[_Row]:
    if point.button is None:
        return
    if point.check_in is None or point.check_in <= 0:
        yield (
            ("check_in",) if point.check_in is not None else (),
            "check_in_missing",
            "a button whose radio died would look quiet",
            "check_in: 60s, as often as the button sends",
        )
    for key in ("supervised", "latched_by", "press"):
        if getattr(point, key) is not None:
            yield ((key,), "wired_key_of_wireless", f"{key} belongs to a wired point", f"no {key}")


def _board(name: str, point: PanicSettings, devices: Mapping[str, Any]) -> Iterator[Finding]:
    device = devices.get(point_device(point.input)) if point.input is not None else None
    if device is None or getattr(device, "profile", None) in BOARDS_FOR_PANIC:
        return
    if getattr(device, "board", None) is not None:
        return  # its profile says what it can do: that is judged where devices are fitted
    if point.supervised is not None and point.supervised.kind == "end_of_line":
        yield Finding(
            path=("panic_points", name, "supervised"),
            message="this board is not known to supervise its inputs, so the resistor tells nothing (S11)",
            expected=f"a board with supervised inputs: {', '.join(sorted(BOARDS_FOR_PANIC))}",
            code="input_not_supervised",
        )
    if point.latched_by in {"board", "counter"}:
        yield Finding(
            path=("panic_points", name, "latched_by"),
            message="this board is not known to latch a press shorter than the poll (S11)",
            expected=f"a latching button, or a board that latches: {', '.join(sorted(BOARDS_FOR_PANIC))}",
            code="board_does_not_latch",
        )


def presses_of(point: PanicSettings) -> tuple[str, ...]:
    """What a point can ask for."""
    return PRESSES if point.button is not None else (point.press or "help",)


def _listeners(name: str, point: PanicSettings, alarms: Mapping[str, Any]) -> Iterator[Finding]:
    rules = [alarm for alarm in alarms.values() if name in (alarm.when.panic or ())]
    heard = [press for press in presses_of(point) if any(_hears(alarm, press) for alarm in rules)]
    missing = [press for press in presses_of(point) if press not in heard]
    if not heard:
        yield Finding(
            path=("panic_points", name),
            message=f"no alarm listens to {name} (S13)",
            expected=f"an alarm with when: {{panic: [{name}], press: any}}",
            code="panic_without_listener",
        )
    elif missing:
        yield Finding(
            path=("panic_points", name),
            message=f"no alarm listens to a {missing[0]} press of {name} (S13)",
            expected="press: any, or a second alarm",
            code="press_without_listener",
        )
    silent = {alarm.silent and alarm.visible is None for alarm in rules if any(_hears(alarm, p) for p in heard)}
    if silent == {True, False}:
        yield Finding(
            path=("panic_points", name),
            message=f"{name} raises a silent and a loud alarm: the loud one gives the silent one away (S12)",
            expected="one of them",
            code="silent_and_loud",
        )


def _hears(alarm: AlarmSettings, press: str) -> bool:
    return alarm.when.press in {None, "any", press}


def _panic_inputs(points: Mapping[str, PanicSettings]) -> Iterator[Use]:
    for name, point in points.items():
        for key in ("input", "button"):
            place = getattr(point, key)
            if place is not None:
                yield ("panic_points", name, key), place


def check_alarms(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Rules that could never match or must not act."""
    alarms = values.get("alarms", {})
    for name, alarm in alarms.items():
        for path, code, message, expected in (
            *_matchable(alarm.when), *_latching(alarm), *_actions(alarm), *_silence(alarm),
        ):  # fmt: skip
            yield Finding(path=("alarms", name, *path), message=message, expected=expected, code=code)
    for name, alarm in alarms.items():
        yield from _levels(name, alarm, values)


_FILTERS = ("doors", "cameras", "devices", "reason")
_AnyRow = tuple[tuple[str | int, ...], str, str, str]


def _matchable(when: WhenSettings) -> Iterator[_AnyRow]:
    if (when.event is None) == (when.panic is None):
        yield (
            ("when",),
            "when_unclear",
            "an alarm waits for an event or for panic points",
            "event: KIND, or panic: [...]",
        )
    if when.panic is None and when.press is not None:
        yield (("when", "press"), "press_without_panic", "only panic points are pressed", "panic: [...]")
    if when.panic is not None and any(getattr(when, key) is not None for key in (*_FILTERS, "areas")):
        yield (("when",), "filter_of_panic", "panic points are listed, not filtered", "panic and press only")
    if when.event is None:
        return
    if when.event.startswith(("panic.activated", "panic.pressed")):
        yield (
            ("when", "event"),
            "panic_by_event",
            "a press is listened to by its point",
            "panic: [POINTS], press: any",
        )
    elif when.event not in KINDS or when.event.startswith(NOT_MATCHED):
        near = sorted(kind for kind in KINDS if kind.partition(".")[0] == when.event.partition(".")[0])
        shown = [kind for kind in near if not kind.startswith(NOT_MATCHED)]
        yield (
            ("when", "event"),
            "unknown_event",
            f"{when.event} is not an event an alarm can wait for",
            f"one of {', '.join(shown or ['door.forced_open', 'device.went_offline', '...'])}",
        )
    if len([key for key in ("doors", "cameras", "devices") if getattr(when, key) is not None]) > 1:
        yield (("when",), "filters_exclude", "an event is about one thing", "one of doors, cameras, devices")


def _latching(alarm: AlarmSettings) -> Iterator[_AnyRow]:
    if alarm.when.panic is not None and not alarm.latching:
        yield (("latching",), "panic_not_latching", "a panic always stays until a person took it", "no latching")


def _actions(alarm: AlarmSettings) -> Iterator[_AnyRow]:
    for index, action in enumerate(alarm.do):
        place = ("do", index)
        named = [key for key in ActionSettings.model_fields if getattr(action, key) is not None]
        if len(named) != 1:
            yield (place, "action_unclear", "an action is one key", "snapshot, or set_threat_level")
        if action.record is not None:
            yield ((*place, "record"), "record_not_available", "recording is not available yet", "snapshot")
        door_known = alarm.when.event is not None and alarm.when.event.startswith(("door.", "access.", "exit.", "rex."))
        if action.snapshot is not None and action.snapshot.cameras == "of_the_door" and not door_known:
            yield (
                (*place, "snapshot", "cameras"),
                "no_door_here",
                "this event is not about a door",
                "the cameras by name",
            )


def _levels(name: str, alarm: AlarmSettings, values: Mapping[str, Any]) -> Iterator[Finding]:
    for index, action in enumerate(alarm.do):
        setting = action.set_threat_level
        if setting is not None and _closes_nothing(setting, values):
            yield Finding(
                path=("alarms", name, "do", index, "set_threat_level", "in"),
                message=f"{setting.level} closes no door of {setting.in_}",
                expected="an area that the level closes",
                code="level_closes_nothing",
            )


def _closes_nothing(action: SetThreatLevel, values: Mapping[str, Any]) -> bool:
    level = values.get("threat_levels", {}).get(action.level)
    areas = values.get("areas", {})
    if level is None or action.in_ not in areas:
        return False
    return not level_doors(level, action.in_, areas, values.get("doors", {}))


def _silence(alarm: AlarmSettings) -> Iterator[_AnyRow]:
    seen = any(action.set_threat_level is not None for action in alarm.do)
    if alarm.silent and seen and alarm.visible is None:
        yield (
            ("silent",),
            "silent_but_visible",
            "a silent alarm that closes doors is not silent (S12)",
            "a button of its own for lockdown, or visible: {accepted_by: ..., why: ...}",
        )
    if alarm.visible is not None and not alarm.silent:
        yield (("visible",), "visible_not_silent", "only a silent alarm needs this", "silent: true, or no visible")


SECTIONS = (
    Section(key="panic_points", model=PanicSettings, check=check_panic_points),
    Section(key="alarms", model=AlarmSettings, check=check_alarms),
    Section(key="procedures", model=Annotated[list[Text], Field(min_length=1, max_length=50)]),
)
