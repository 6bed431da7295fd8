"""From what the judge says about doors and cameras to what one device is told: pure, by wiring and polarity (S4).

In: an order and the wiring. Out: the device and its act. Refuses what is not wired, with the reason.
"""

from typing import assert_never

from secd.model.doors import DoorMode
from secd.model.names import DeviceId
from secd.model.order import (
    Act,
    DeviceAct,
    FetchPicture,
    PulseOutput,
    ReleaseDoor,
    RelockDoor,
    SetOutput,
    SetSignal,
    SignalReader,
    TakeSnapshot,
)
from secd.model.wiring import LockWiring, Wiring


class NotWired(Exception):
    """Nothing in the building carries out this order."""


def energised_when(mode: DoorMode, lock: LockWiring) -> bool:
    """The coil's level for a mode, by the lock's polarity."""
    return lock.energise_to_unlock is (mode is DoorMode.UNLOCKED)


def translate(act: Act, wiring: Wiring, standing: DoorMode) -> tuple[DeviceId, DeviceAct]:
    """The device and what it is told. `standing` is the door's desired mode: a relock goes back to it, never past it."""
    match act:
        case ReleaseDoor():
            lock = _lock(act.door, wiring)
            pulse = PulseOutput(
                output=lock.output,
                duration_s=act.duration_s,
                energise=energised_when(DoorMode.UNLOCKED, lock),
            )
            return lock.device, pulse
        case RelockDoor():
            lock = _lock(act.door, wiring)
            return lock.device, SetOutput(output=lock.output, energised=energised_when(standing, lock))
        case SignalReader():
            readers = wiring.exit_readers if act.exit else wiring.readers
            if act.door not in readers:
                raise NotWired(f"{act.door} has no reader")
            device, reader = readers[act.door]
            return device, SetSignal(reader=reader, granted=act.granted)
        case TakeSnapshot():
            if act.camera not in wiring.cameras:
                raise NotWired(f"there is no camera {act.camera}")
            return wiring.cameras[act.camera], FetchPicture()
    assert_never(act)


def _lock(door: str, wiring: Wiring) -> LockWiring:
    if door not in wiring.locks:
        raise NotWired(f"{door} has no lock wired")
    return wiring.locks[door]
