"""What `check` refuses to fit (S1, S4, S6, S7).

In: the site's doors. Out: findings with a remedy. Refused: doors whose egress depends on secd, locks that stay shut in a fire,
relays that release a door when their board dies, points used twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from secd.config.types import Finding, Section, point_device, point_number
from secd.policies.access.settings import OUTSIDE
from secd.policies.doors.settings import DoorSettings

Use = tuple[tuple[str | int, ...], str]
"""Where a point is written, and the point."""
REX_GRACE_S_MAX = 0.5
RELEASE_S_MAX = 300.0


def check_doors(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that is wrong with doors as they would be fitted."""
    doors = values.get("doors", {})
    for name, door in doors.items():
        for path, code, message, expected in (
            *_egress(door), *_power(door), *_times(door), *_places(door), *_request_to_exit(door),
        ):  # fmt: skip
            yield Finding(path=("doors", name, *path), message=message, expected=expected, code=code)
    yield from _points_used_twice(doors)


_Row = tuple[tuple[str, ...], str, str, str]


def _egress(door: DoorSettings) -> Iterator[_Row]:
    if door.egress == "none":
        yield (
            ("egress",),
            "egress_none",
            "nobody could leave through this door (S1)",
            "a lever, an exit_device, or sensor_and_button with exit_release: hardwired",
        )
    if door.egress == "sensor_and_button" and door.exit_release != "hardwired":
        yield (
            ("egress",),
            "egress_only_through_secd",
            "leaving would depend on secd (S1)",
            "exit_release: hardwired, a button that cuts the lock's current itself",
        )
    if door.lock == "maglock":
        if door.without_power == "locked":
            yield (
                ("without_power",),
                "maglock_locked_without_power",
                "a maglock that stays locked without power cannot be left in a fire (S1)",
                "without_power: unlocked, or another lock",
            )
        if door.exit_release != "hardwired":
            yield (
                ("exit_release",) if door.exit_release else (),
                "maglock_without_exit_release",
                "a maglock needs an exit release that does not pass through secd (S1)",
                "exit_release: hardwired",
            )
        if door.fire_release != "hardwired":
            yield (
                ("fire_release",),
                "maglock_without_fire_release",
                "a maglock needs a release by the fire alarm that does not pass through secd (S1)",
                "fire_release: hardwired",
            )


def _power(door: DoorSettings) -> Iterator[_Row]:
    if door.relay == "energise_to_lock" and door.without_power == "locked":
        yield (
            ("relay",),
            "relay_contradicts_lock",
            "a lock that is locked without power is not locked by energising it (S4)",
            "relay: energise_to_unlock, or without_power: unlocked",
        )
    elif door.relay == "energise_to_lock" and door.relay_loss is None:
        yield (
            ("relay",),
            "relay_loss_unlocks",
            "this door unlocks whenever its board restarts, dies or is cut off (S4)",
            "relay: energise_to_unlock through the closed contact, or relay_loss: {accepted_by: ..., why: ...}",
        )


def _times(door: DoorSettings) -> Iterator[_Row]:
    if not 0 < door.held_open.warn < door.held_open.alarm:
        yield (
            ("held_open",),
            "held_open_order",
            "it has to warn before it alarms (S7)",
            "held_open: {warn: 20s, alarm: 30s}",
        )
    for key, length_s in (("release", door.release), ("release_extended", door.release_extended)):
        if not 0 < length_s <= RELEASE_S_MAX:
            yield ((key,), "release_length", "a release lasts more than 0s and at most 5m", f"{key}: 5s")
    if door.relock == "on_close" and door.release > door.held_open.alarm:
        yield (
            ("release",),
            "release_longer_than_held_open",
            "the lock would still be released when the door counts as held open",
            f"a release shorter than {door.held_open.alarm:g}s, or a longer held_open",
        )
    if door.release_extended < door.release:
        yield (
            ("release_extended",),
            "release_extended_shorter",
            "the extended release is shorter than the ordinary one",
            f"at least {door.release:g}s",
        )


def _places(door: DoorSettings) -> Iterator[_Row]:
    if door.to == OUTSIDE:
        yield (
            ("to",),
            "door_leads_outside",
            "a door is written as it is entered; leaving is free by hardware (S5)",
            f"from: outside, to: {door.from_}",
        )
    elif door.from_ == door.to:
        yield (("to",), "door_leads_nowhere", f"both sides are {door.to}", "the area that the door leads into")
    if door.lock in {"bolt", "maglock"} and door.relock == "on_open":
        yield (
            ("relock",),
            "relock_unfit",
            f"a {door.lock} that locks while the door is open keeps it from closing (S7)",
            "relock: on_close",
        )


def _request_to_exit(door: DoorSettings) -> Iterator[_Row]:
    if not 0 < door.rex_grace <= REX_GRACE_S_MAX:
        yield (
            ("rex_grace",),
            "rex_grace_length",
            "a forced door must be known within half a second (S6)",
            "two scans of the board, at most 500ms",
        )
    if door.rex == "releases" and door.wiring.rex is None:
        yield (("rex",), "rex_not_wired", "no request to exit is wired here", "wiring: {rex: DEVICE/NUMBER}")


def door_inputs(doors: Mapping[str, DoorSettings]) -> Iterator[Use]:
    """Every input that a door uses: where it is written, and the point."""
    for name, door in doors.items():
        wiring = door.wiring
        if wiring.contacts is not None:
            for index, contact in enumerate(wiring.contacts):
                yield ("doors", name, "wiring", "contacts", index, "input"), contact.input
        elif wiring.contact is not None:
            yield ("doors", name, "wiring", "contact", "input"), wiring.contact.input
        for key in ("rex", "bolt", "reader_tamper", "exit_reader_tamper"):
            point = getattr(wiring, key)
            if point is not None:
                yield ("doors", name, "wiring", key), point


def _points_used_twice(doors: Mapping[str, DoorSettings]) -> Iterator[Finding]:
    relays = [(("doors", name, "wiring", "lock"), door.wiring.lock) for name, door in doors.items()]
    readers = [
        (("doors", name, "wiring", key), reader)
        for name, door in doors.items()
        for key in ("reader", "exit_reader")
        if (reader := getattr(door.wiring, key)) is not None
    ]
    yield from used_twice(relays, "relay")
    yield from used_twice(readers, "reader")
    yield from used_twice(list(door_inputs(doors)), "input")


def used_twice(uses: Sequence[Use], what: str) -> Iterator[Finding]:
    """The later ones of several uses of one point."""
    first: dict[tuple[str, str], tuple[str | int, ...]] = {}
    for path, point in uses:
        rest = point.partition("/")[2]
        key = (point_device(point), rest if rest and not rest.isdigit() else str(point_number(point)))
        if key in first:
            yield Finding(
                path=path,
                message=f"{what} {point} is wired to {first[key][1]} already",
                expected=f"a {what} of its own",
                code=f"{what}_used_twice",
            )
        first.setdefault(key, path)


SECTIONS = (Section(key="doors", model=DoorSettings, check=check_doors),)
