"""Where a device's point sits in the building."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from secd.model.doors import Role
from secd.model.facts import PressKind
from secd.model.names import AreaId, DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """`subject` is the door, panic point, camera or device this point belongs to.

    `inverted`: the point's ACTIVE means the quiet state (a contact with `closed_is: 1` is active when closed).
    `press`: what a wired panic point asks for.
    """

    role: Role
    subject: str
    area: AreaId | None = None
    inverted: bool = False
    press: PressKind = PressKind.HELP


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWiring:
    """How a door's lock is driven: which relay, its polarity, how long a pulse."""

    device: DeviceId
    output: int
    energise_to_unlock: bool
    release_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """All of it. `points` is keyed by (device, point address): inputs "input/3", readers "reader/1", relays "output/2",
    wireless buttons "button/NAME", a camera or a device itself "".
    """

    points: Mapping[tuple[DeviceId, str], Placement] = field(default_factory=dict)
    locks: Mapping[str, LockWiring] = field(default_factory=dict)
    readers: Mapping[str, tuple[DeviceId, int]] = field(default_factory=dict)
    """A door's reader: the device and the reader's number on it."""
    exit_readers: Mapping[str, tuple[DeviceId, int]] = field(default_factory=dict)
    """The reader on its inside, for doors that have one."""
    cameras: Mapping[str, DeviceId] = field(default_factory=dict)
