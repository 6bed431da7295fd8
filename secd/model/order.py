"""What the judge wants done: momentary orders that are never late, and desired states that stand until changed."""

from dataclasses import dataclass
from typing import TypeAlias

from secd.model.doors import DoorMode, Layer
from secd.model.names import CameraId, DeviceId, DoorId, EventId, OrderId

# --- said by the judge, about doors and cameras ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDoor:
    """Let one passage through: a lock pulse of `duration_s`."""

    door: DoorId
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RelockDoor:
    """Cut a running release short (relock on open)."""

    door: DoorId


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReader:
    """Show a decision at the reader: `granted` green, otherwise red and a beep. `exit`: at the one on the inside."""

    door: DoorId
    granted: bool
    exit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSnapshot:
    """One picture, kept as evidence under the event that asked."""

    camera: CameraId


Act: TypeAlias = ReleaseDoor | RelockDoor | SignalReader | TakeSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Momentary: carried out before `expires_mono_s` or never. `urgent` goes ahead of what waits on its device."""

    id: OrderId
    act: Act
    cause: EventId
    expires_mono_s: float
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredLock:
    """A mode that stands: stored, compared on every link return, re-asserted while it stands."""

    door: DoorId
    mode: DoorMode
    layer: Layer
    cause: EventId


# --- said by actions to a driver -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseOutput:
    """Energise (or, `energise=False`, de-energise) one relay for `duration_s`, timed by the board where it can."""

    output: int
    duration_s: float
    energise: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOutput:
    """Hold one relay."""

    output: int
    energised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSignal:
    """Reader LED and buzzer."""

    reader: int
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPicture:
    """One JPEG."""


DeviceAct: TypeAlias = PulseOutput | SetOutput | SetSignal | FetchPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOrder:
    """An order as a driver sees it. The driver answers before `expires_mono_s` or refuses it as late."""

    id: OrderId
    device: DeviceId
    act: DeviceAct
    expires_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a device order; `picture` only for FetchPicture. `detail` is one line for a person."""

    order: OrderId
    done: bool
    detail: str = ""
    picture: bytes | None = None
