"""What changed between two configurations, and which of it is dangerous (S18): a way to call for help that goes away, or a door.

In: two `LoadedSite`s. Out: edits, by section and name. Judged by what is written, not by how rooms read it, so a section
that no longer exists is a removal like any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from secd.config.site import LoadedSite

Entries: TypeAlias = Mapping[str, Mapping[str, Any]]

_PRESSES = ("help", "lockdown")
_CALL_KEYS = ("input", "button")
_CAMERA_ACTIONS = ("snapshot", "record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One named thing that was added, removed or changed; `keys` are the keys that differ. `name` is "" for a single section."""

    section: str
    name: str
    what: Literal["added", "removed", "changed"]
    keys: tuple[str, ...] = ()


def compare_sites(old: LoadedSite, new: LoadedSite) -> tuple[Edit, ...]:
    """Every edit between two configurations, by section and name."""
    edits: list[Edit] = []
    for section in sorted(old.values.keys() | new.values.keys()):
        before, after = _named(old.values.get(section)), _named(new.values.get(section))
        for name in sorted(before.keys() | after.keys()):
            edits.extend(_compare(section, name, before, after))
    return tuple(edits)


def dangerous_edits(old: LoadedSite, new: LoadedSite) -> tuple[Edit, ...]:
    """The edits that need a second approver (S18)."""
    found = [
        *_removed_doors_and_points(old, new),
        *_lost_alarms(old, new),
        *_lost_channels(old, new),
        *_lost_camera_actions(old, new),
    ]
    merged: dict[tuple[str, str, str], Edit] = {}
    for edit in found:
        key = (edit.section, edit.name, edit.what)
        known = merged.get(key)
        merged[key] = edit if known is None else Edit(
            section=edit.section, name=edit.name, what=edit.what, keys=tuple(dict.fromkeys((*known.keys, *edit.keys)))
        )  # fmt: skip
    return tuple(sorted(merged.values(), key=lambda edit: (edit.section, edit.name, edit.what)))


def _compare(section: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Edit]:
    if name not in after:
        yield Edit(section=section, name=name, what="removed")
    elif name not in before:
        yield Edit(section=section, name=name, what="added")
    elif before[name] != after[name]:
        yield Edit(section=section, name=name, what="changed", keys=_changed_keys(before[name], after[name]))


def _changed_keys(before: Any, after: Any) -> tuple[str, ...]:
    first, second = _plain(before), _plain(after)
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return ()
    return tuple(sorted(str(key) for key in first.keys() | second.keys() if first.get(key) != second.get(key)))


def _removed_doors_and_points(old: LoadedSite, new: LoadedSite) -> Iterator[Edit]:
    for section in ("doors", "panic_points"):
        before, after = _entries(old, section), _entries(new, section)
        yield from (Edit(section=section, name=name, what="removed") for name in before if name not in after)
    points, kept = _entries(old, "panic_points"), _entries(new, "panic_points")
    for name, point in points.items():
        moved = tuple(key for key in _CALL_KEYS if name in kept and point.get(key) != kept[name].get(key))
        if moved:
            yield Edit(section="panic_points", name=name, what="changed", keys=moved)


def _lost_alarms(old: LoadedSite, new: LoadedSite) -> Iterator[Edit]:
    """Rules of panic points that are gone, and points whose presses fewer rules, or none, listen to now."""
    before, after = _entries(old, "alarms"), _entries(new, "alarms")
    for name, alarm in before.items():
        heard = _heard(alarm)
        if heard and name not in after:
            yield Edit(section="alarms", name=name, what="removed")
        elif heard - _heard(after.get(name, {})):
            yield Edit(section="alarms", name=name, what="changed", keys=("when",))
    still = {press for alarm in after.values() for press in _heard(alarm)}
    lost = {point for alarm in before.values() for point, press in _heard(alarm) if (point, press) not in still}
    kept = _entries(new, "panic_points")
    yield from (
        Edit(section="panic_points", name=point, what="changed", keys=("alarm",))
        for point in sorted(lost)
        if point in kept
    )


def _heard(alarm: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The (panic point, press) pairs an alarm rule listens to."""
    when = alarm.get("when")
    points = when.get("panic") if isinstance(when, Mapping) else None
    if not isinstance(when, Mapping) or not points:
        return set()
    press = when.get("press")
    return {(str(point), kind) for point in points for kind in (_PRESSES if press in {None, "any"} else (str(press),))}


def _lost_channels(old: LoadedSite, new: LoadedSite) -> Iterator[Edit]:
    """Stations that no longer listen or answer, and a broker that is another one."""
    before, after = _plain(old.values.get("mqtt")), _plain(new.values.get("mqtt"))
    if not isinstance(before, Mapping):
        return
    if not isinstance(after, Mapping):
        yield Edit(section="mqtt", name="", what="removed")
        return
    if before.get("broker") != after.get("broker"):
        yield Edit(section="mqtt", name="", what="changed", keys=("broker",))
    stations = after.get("stations") or {}
    for name, station in (before.get("stations") or {}).items():
        if name not in stations:
            yield Edit(section="mqtt", name=f"stations/{name}", what="removed")
        elif station.get("receipt") != "none" and station.get("receipt") != stations[name].get("receipt"):
            yield Edit(section="mqtt", name=f"stations/{name}", what="changed", keys=("receipt",))


def _lost_camera_actions(old: LoadedSite, new: LoadedSite) -> Iterator[Edit]:
    after = _entries(new, "alarms")
    for name, alarm in _entries(old, "alarms").items():
        if name in after and _pictures(alarm) - _pictures(after[name]):
            yield Edit(section="alarms", name=name, what="changed", keys=("do",))


def _pictures(alarm: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The (action, camera) pairs of an alarm rule."""
    pairs = set()
    for action in alarm.get("do") or ():
        for kind in _CAMERA_ACTIONS:
            wanted = action.get(kind) if isinstance(action, Mapping) else None
            cameras = wanted.get("cameras") if isinstance(wanted, Mapping) else None
            for camera in [cameras] if isinstance(cameras, str) else cameras or ():
                pairs.add((kind, str(camera)))
    return pairs


def _named(value: Any) -> Mapping[str, Any]:
    """A section as name -> settings; a single section under the name "", an absent one as nothing."""
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else {"": value}


def _entries(site: LoadedSite, section: str) -> Entries:
    plain = {name: _plain(value) for name, value in _named(site.values.get(section)).items()}
    return {name: value for name, value in plain.items() if isinstance(value, Mapping)}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
