"""The steps of one door or panic point, made of its settings: what a technician does, and what must be seen then.

In: checked settings, and the wiring made of them. Out: a `Plan`. What the site does not have is not asked for; what no
input can show (a fire release, an unlocked leaf) is asked of the person who stands there.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from secd.model.doors import Role
from secd.model.names import DeviceId
from secd.model.wiring import LockWiring, Wiring

LIMIT_S = 60.0
RECEIPT_S = 30.0
DOOR_KEYS = ("wiring", "lock", "relay", "egress", "exit_release", "fire_release")
PANIC_KEYS = ("input", "button", "supervised", "latched_by")
AWAY = "energised", "de-energised"
Address = tuple[DeviceId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """A point that must come to `level`. `already`: it may be there when the step begins."""

    point: Address
    level: str
    name: str
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `asks` is asked of the person once what is awaited was seen; `otherwise` is what their No means.

    `releases`: secd releases the door once at its begin. `stays` is a point that must not move meanwhile. `receipt`: a
    station must have answered for the alarm.
    """

    id: str
    says: str
    awaits: tuple[Await, ...] = ()
    asks: str = ""
    otherwise: str = ""
    limit_s: float = LIMIT_S
    releases: bool = False
    receipt: bool = False
    stays: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every step of one target. `wiring` is a digest of how it is wired: what is wired anew is tried anew."""

    target: str
    kind: str
    wiring: str
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step | None:
        """The step of that name."""
        return next((step for step in self.steps if step.id == name), None)


def plan_door(name: str, door: Any, wiring: Wiring) -> Plan:
    """A door: contact, request to exit, bolt, lock and its polarity, the ways out, reader."""
    steps = (
        *_contacts(name, wiring), *_request_to_exit(name, wiring), *_lock(wiring.locks[name]),
        *_ways_out(name, door, wiring), *_readers(name, wiring),
    )  # fmt: skip
    return Plan(target=name, kind="door", wiring=_digest(door, DOOR_KEYS), steps=steps)


def plan_point(name: str, point: Any, wiring: Wiring, *, receipts: bool) -> Plan:
    """A panic point: press, receipt of a station, reset, and where it is supervised its loop cut and shorted."""
    address = next(key for key, place in wiring.points.items() if place.role is Role.PANIC and place.subject == name)
    return Plan(
        target=name,
        kind="panic point",
        wiring=_digest(point, PANIC_KEYS),
        steps=tuple(_panic(address, point, receipts=receipts)),
    )


def _contacts(name: str, wiring: Wiring) -> Iterator[Step]:
    contacts = _points(name, Role.CONTACT, wiring)
    for number, address in enumerate(contacts, 1):
        suffix, leaf = ("", "the door") if len(contacts) == 1 else (f"_{number}", f"the leaf of contact {number}")
        opened = Await(point=address, level="active", name="contact")
        yield Step(id=f"contact_opens{suffix}", says=f"Open {leaf}, and leave it open.", awaits=(opened,))
        closed = Await(point=address, level="normal", name="contact", already=True)
        yield Step(id=f"contact_closes{suffix}", says=f"Close {leaf}.", awaits=(closed,))


def _request_to_exit(name: str, wiring: Wiring) -> Iterator[Step]:
    for address in _points(name, Role.REX, wiring):
        awaits = tuple(Await(point=address, level=level, name="request to exit") for level in ("active", "normal"))
        says = "Work the request to exit, and let it go; leave the door shut."
        yield Step(id="request_to_exit", says=says, awaits=awaits)


def _lock(lock: LockWiring) -> Iterator[Step]:
    relay = (lock.device, f"output/{lock.output}")
    unlocked, locked = AWAY if lock.energise_to_unlock else AWAY[::-1]
    yield Step(
        id="lock_releases",
        says="secd releases the door once. Try to open it now from outside, then shut it.",
        awaits=(Await(point=relay, level=unlocked, name="lock relay"),),
        asks="Could it be opened?",
        otherwise="the relay moved and the door could not be opened",
        limit_s=10.0,
        releases=True,
    )
    yield Step(
        id="lock_holds",
        says="The release is over. Try to open it from outside once more.",
        awaits=(Await(point=relay, level=locked, name="lock relay", already=True),),
        asks="Is it locked?",
        otherwise="the relay is in its locked state and the door can be opened",
        limit_s=30.0,
    )


def _ways_out(name: str, door: Any, wiring: Wiring) -> Iterator[Step]:
    lock = wiring.locks[name]
    contacts = _points(name, Role.CONTACT, wiring)
    by_hand = door.egress in {"lever", "exit_device"}
    if door.egress != "none":
        awaits = tuple(Await(point=contacts[0], level=level, name="contact") for level in ("active", "normal"))
        yield Step(
            id="egress",
            says="With the door locked, open it from the inside as anybody would, and let it shut.",
            awaits=awaits if contacts else (),
            asks="" if contacts and by_hand else "Did it open without a key, a card or any knowledge?",
            otherwise="the door does not open from the inside",
            stays=(lock.device, f"output/{lock.output}") if by_hand and door.rex == "shunt_only" else None,
        )
    if door.exit_release == "hardwired":
        yield Step(
            id="exit_release",
            says="Press the exit release.",
            asks="Did the lock let go, by the release alone?",
            otherwise="the exit release does not free the door",
        )
    if door.fire_release == "hardwired":
        yield Step(
            id="fire_release",
            says="Work the fire release of this door (the fire panel's test, or its break-glass), then restore it.",
            asks="Did the lock let go, with secd doing nothing?",
            otherwise="the fire release does not free the door",
        )


def _readers(name: str, wiring: Wiring) -> Iterator[Step]:
    for known, step, where in (
        (wiring.readers, "reader", "the reader"), (wiring.exit_readers, "exit_reader", "the reader on the inside"),
    ):  # fmt: skip
        if name in known:
            device, number = known[name]
            read = Await(point=(device, f"reader/{number}"), level="read", name="reader")
            yield Step(id=step, says=f"Show a card at {where}, whether it is admitted or not.", awaits=(read,))


def _panic(address: Address, point: Any, *, receipts: bool) -> Iterator[Step]:
    wired = address[1].startswith("input/")
    pressed = Await(point=address, level="active" if wired else "pressed", name="panic point")
    yield Step(id="press", says="Press the button.", awaits=(pressed,))
    if receipts:
        yield Step(
            id="receipt", says="Wait for the station to say that it has the alarm.", receipt=True, limit_s=RECEIPT_S
        )
    else:
        yield Step(
            id="receipt", says="Ask the station.", asks="Did it get the alarm?", otherwise="the station got nothing"
        )
    if not wired:
        return
    quiet = Await(point=address, level="normal", name="panic point", already=True)
    yield Step(id="reset", says="Reset the button.", awaits=(quiet,))
    if point.supervised is None:
        return
    for level, says in (("cut", "Open the loop at the button."), ("short", "Short the loop at the button.")):
        yield Step(id=f"loop_{level}", says=says, awaits=(Await(point=address, level=level, name="panic point"),))
        yield Step(id=f"after_{level}", says="Put the loop right again.", awaits=(quiet,))


def _points(name: str, role: Role, wiring: Wiring) -> list[Address]:
    return [key for key, place in wiring.points.items() if place.role is role and place.subject == name]


def _digest(settings: Any, keys: tuple[str, ...]) -> str:
    values: Mapping[str, Any] = settings.model_dump(mode="json", by_alias=True)
    told = json.dumps({key: values.get(key) for key in keys}, sort_keys=True)
    return sha256(told.encode()).hexdigest()[:16]
