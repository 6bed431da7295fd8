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
TRAVEL_S_MAX = 30.0
CONTACTS_MAX = 4
REX_IGNORED_S_MAX = 10.0


def check_doors(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that is wrong with doors as they would be fitted."""
    doors = values.get("doors", {})
    for name, door in doors.items():
        for path, code, message, expected in (
            *_egress(door), *_power(door), *_times(door), *_places(door), *_request_to_exit(door), *_motor(door),
            *_contacts(door), *_readers(door),
        ):  # fmt: skip
            yield Finding(path=("doors", name, *path), message=message, expected=expected, code=code)
    yield from _points_used_twice(doors)
    for name, door in doors.items():
        yield from _safe_state(name, door, values.get("devices", {}))


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
    if door.lock in {"bolt", "maglock", "motor"} and door.relock == "on_open":
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
    if door.rex_release is not None and (door.rex != "releases" or not 0 < door.rex_release <= RELEASE_S_MAX):
        yield (
            ("rex_release",),
            "rex_release_length",
            "a request to exit releases only with rex: releases, for more than 0s and at most 5m",
            "rex: releases, rex_release: 5s",
        )
    if not 0 <= door.rex_ignored_after_closing <= REX_IGNORED_S_MAX:
        yield (
            ("rex_ignored_after_closing",),
            "rex_ignored_length",
            "everybody who leaves within this time would be a forced door (S6)",
            "at most 10s",
        )
    if door.rex == "releases" and door.wiring.rex is None:
        yield (("rex",), "rex_not_wired", "no request to exit is wired here", "wiring: {rex: DEVICE/NUMBER}")


def _motor(door: DoorSettings) -> Iterator[_Row]:
    if door.lock != "motor":
        if door.travel is not None:
            yield (("travel",), "travel_without_motor", f"the bolt of a {door.lock} does not travel", "no travel")
        return
    if door.travel is None or not 0 < door.travel <= TRAVEL_S_MAX:
        yield (
            ("travel",) if door.travel is not None else (),
            "motor_travel",
            "how long the motor takes to throw its bolt is not known (S7)",
            "travel: 2s, at most 30s",
        )
    elif door.release <= door.travel:
        yield (
            ("release",),
            "release_shorter_than_travel",
            "the release would be over before the bolt is withdrawn (S7)",
            f"a release longer than {door.travel:g}s",
        )
    if door.wiring.bolt is None:
        yield (
            ("wiring",),
            "motor_without_bolt",
            "a motor that jams would look locked (S7)",
            "wiring: {bolt: DEVICE/NUMBER}, an input that is active while the bolt is withdrawn",
        )


def _contacts(door: DoorSettings) -> Iterator[_Row]:
    wiring = door.wiring
    if wiring.contact is not None and wiring.contacts:
        yield (("wiring", "contact"), "contacts_twice", "one contact is written beside several", "one of the two keys")
    if wiring.contacts and not 2 <= len(wiring.contacts) <= CONTACTS_MAX:
        yield (
            ("wiring", "contacts"),
            "contacts_count",
            f"{len(wiring.contacts)} contacts: several are 2 to {CONTACTS_MAX}",
            "contact: {...} where there is one",
        )
    if bool(wiring.contacts) is (wiring.contacts_are is None):
        yield (
            ("wiring", "contacts" if wiring.contacts else "contacts_are"),
            "contacts_unclear",
            "whether these contacts must agree is not said (S7)",
            "contacts: [...] with contacts_are: leaves, or a_pair",
        )


def _readers(door: DoorSettings) -> Iterator[_Row]:
    for reader in ("reader", "exit_reader"):
        if getattr(door.wiring, f"{reader}_tamper") is not None and getattr(door.wiring, reader) is None:
            yield (
                ("wiring", f"{reader}_tamper"),
                "tamper_without_reader",
                f"there is no {reader} here that could be taken off its wall",
                f"wiring: {{{reader}: DEVICE/NUMBER}}",
            )


def _safe_state(name: str, door: DoorSettings, devices: Mapping[str, Any]) -> Iterator[Finding]:
    """The relay's watchdog and power-up state is the locked one, where the board has such a state (S4)."""
    device, output = point_device(door.wiring.lock), point_number(door.wiring.lock)
    safe = getattr(devices.get(device), "safe_energised", None)
    if safe is None or not 1 <= output <= len(safe):
        return
    locked = door.relay == "energise_to_lock"
    if safe[output - 1] is not locked:
        word = "energised" if locked else "de-energised"
        yield Finding(
            path=("doors", name, "wiring", "lock"),
            message=f"this door unlocks whenever {device} does not hear from secd (S4)",
            expected=f"devices: {{{device}: {{safe_outputs: {{{output}: {word}}}}}}}",
            code="safe_state_unlocks",
        )


def door_inputs(doors: Mapping[str, DoorSettings]) -> Iterator[Use]:
    """Every input that a door uses: where it is written, and the point."""
    for name, door in doors.items():
        wiring = door.wiring
        if wiring.contacts:
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
