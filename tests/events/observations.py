"""Builders of observations, and a site with a door, a panic panel, a button and a camera."""

from datetime import UTC, datetime, timedelta
from typing import Any

from secd.events.intake import Intake
from secd.model.doors import Role
from secd.model.facts import CardRead, Fact, InputState, PanicPressed, PointChanged, PressKind
from secd.model.names import AreaId, DeviceId
from secd.model.observation import DeviceCursor, Observation
from secd.model.people import PresentedCard
from secd.model.secret import CardBits
from secd.model.time import Instant
from secd.model.wiring import Placement, Wiring
from secd.runtime.clock import ManualClock

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BOARD, PANEL, RADIO, CAMERA = (DeviceId(name) for name in ("board", "panel", "radio", "east-cam"))
LOBBY, COURT = AreaId("lobby"), AreaId("court")
DOOR_POINTS = {
    "input/1": (Role.CONTACT, True),
    "input/2": (Role.REX, False),
    "input/3": (Role.CONTACT, False),
    "input/4": (Role.BOLT, False),
    "reader/1": (Role.READER, False),
    "output/1": (Role.LOCK, False),
    "tamper": (Role.TAMPER, False),
    "supply": (Role.POWER, False),
}
WIRING = Wiring(
    points={
        **{
            (BOARD, point): Placement(role=role, subject="east", area=LOBBY, inverted=inverted)
            for point, (role, inverted) in DOOR_POINTS.items()
        },
        (PANEL, "input/1"): Placement(role=Role.PANIC, subject="bench-a", area=COURT),
        (PANEL, "input/2"): Placement(role=Role.PANIC, subject="bench-b", area=COURT, inverted=True),
        (RADIO, "button/badge-1"): Placement(role=Role.PANIC, subject="bailiff-1", area=COURT),
        (CAMERA, ""): Placement(role=Role.CAMERA, subject="east-cam", area=LOBBY),
    }
)
CARD = PresentedCard(keys=(("H10301", "ab" * 32),), masked="H10301 ••••abab")


def an_observation(device: DeviceId, fact: Fact, *, at_s: float = 0, **more: Any) -> Observation:
    seen = START + timedelta(seconds=at_s)
    return Observation(device=device, fact=fact, seen=Instant(utc=seen, mono_s=seen.timestamp()), **more)


def an_input(
    point: str, state: InputState, activations: int = 0, *, device: DeviceId = BOARD, initial: bool = False, **more: Any
) -> Observation:
    fact = PointChanged(point=point, state=state, activations=activations, initial=initial)
    return an_observation(device, fact, **more)


def a_press(presses: int = 1, *, press: PressKind = PressKind.HELP, point: str = "badge-1", **more: Any) -> Observation:
    flags = {name: more.pop(name) for name in ("queued", "retained") if name in more}
    return an_observation(RADIO, PanicPressed(point=point, press=press, presses=presses, **flags), **more)


def a_read(sequence: int, *, boot_id: int = 1, reader: int = 1, **more: Any) -> Observation:
    cursor = DeviceCursor(boot_id=boot_id, sequence=sequence)
    fact = CardRead(reader=reader, bits=CardBits(bit_count=26, value=sequence))
    return an_observation(BOARD, fact, cursor=cursor, **more)


def an_intake(clock: ManualClock | None = None, **more: Any) -> Intake:
    options: dict[str, Any] = {"wiring": WIRING, "present_card": lambda _bits: CARD} | more
    return Intake(clock=clock or ManualClock(START), **options)
