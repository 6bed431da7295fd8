"""What `check` refuses of cabinets and switches, and what it warns of (S17).

In: the site's settings. Out: findings: names that could mean two things, supplies that feed themselves, inputs used twice;
a cabinet whose mains or door nobody watches is a warning.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from secd.config.types import Finding, Section
from secd.policies.cabinets.settings import POINTS, CabinetSettings, SwitchSettings
from secd.policies.doors.checks import door_inputs, used_twice

FEEDS = ("powered_by", "connected_to")


def check_cabinets(values: Mapping[str, Any]) -> Iterator[Finding]:
    """A cabinet's own points."""
    cabinets = values.get("cabinets", {})
    for name, cabinet in cabinets.items():
        for key, what in (("ac", "its mains"), ("tamper", "its door")):
            if getattr(cabinet, key) is None:
                yield Finding(
                    path=("cabinets", name),
                    message=f"nobody would notice {what}: {name} has no {key} point (S17)",
                    expected=f"{key}: BOARD/INPUT, the input that its contact is wired to",
                    code="cabinet_not_watched",
                    severity="warning",
                )
    inputs = list(_cabinet_inputs(cabinets))
    yield from used_twice(inputs, "input")
    known = {finding.path for finding in used_twice(inputs, "input")}
    others = [*door_inputs(values.get("doors", {})), *_panic_inputs(values.get("panic_points", {}))]
    for finding in used_twice([*others, *inputs], "input"):
        if finding.path[0] == "cabinets" and finding.path not in known:
            yield finding


def check_switches(values: Mapping[str, Any]) -> Iterator[Finding]:
    """One name for one thing, and nothing that feeds itself."""
    switches = values.get("switches", {})
    yield from _circles("switches", switches, switches)
    devices = values.get("devices", {})
    yield from _circles("devices", devices, {**switches, **devices})
    cabinets = values.get("cabinets", {})
    for section, named in (("cabinets", cabinets), ("switches", switches)):
        for name in named:
            if name in devices:
                yield _two_things(section, name, "a device")
    for name in switches:
        if name in cabinets:
            yield _two_things("switches", name, "a cabinet")


def _two_things(section: str, name: str, other: str) -> Finding:
    return Finding(
        path=(section, name),
        message=f"{name} is {other} as well, so powered_by could mean either",
        expected="another name",
        code="name_of_two_things",
    )


def _circles(section: str, named: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[Finding]:
    for name in named:
        around = above(name, nodes)
        if name in around:
            key = next(key for key in FEEDS if (feed := getattr(nodes[name], key, None)) and _leads(feed, name, nodes))
            yield Finding(
                path=(section, name, key),
                message=f"{name} hangs on itself",
                expected="what really feeds it, or nothing",
                code="hangs_on_itself",
            )
            return


def _leads(feed: str, name: str, nodes: Mapping[str, Any]) -> bool:
    return feed == name or name in above(feed, nodes)


def above(name: str, nodes: Mapping[str, Any]) -> frozenset[str]:
    """Everything that this device or switch hangs on, near and far; itself where that is a circle."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        node = nodes.get(waiting.pop())
        for feed in (getattr(node, key, None) for key in FEEDS):
            if feed is not None and feed not in found:
                found.add(feed)
                waiting.append(feed)
    return frozenset(found)


def _cabinet_inputs(cabinets: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, cabinet in cabinets.items():
        for key in POINTS:
            point = getattr(cabinet, key)
            if point is not None:
                yield ("cabinets", name, key), point


def _panic_inputs(points: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, point in points.items():
        if point.input is not None:
            yield ("panic_points", name, "input"), point.input


SECTIONS = (
    Section(key="cabinets", model=CabinetSettings, check=check_cabinets),
    Section(key="switches", model=SwitchSettings, check=check_switches),
)
