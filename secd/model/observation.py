"""What a device said, before we accepted it; and how far we have read a device."""

from dataclasses import dataclass

from secd.model.facts import Fact
from secd.model.names import DeviceId
from secd.model.time import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCursor:
    """How far a device's own numbered log was read: its boot id and the last sequence number taken."""

    boot_id: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """`seen` is when secd read it; `age_s` how long before that it happened, by the device's own account.

    `after_gap`: the first read after the link was away, so its age proves nothing (S8).
    `cursor` is set when it came out of the device's numbered log; it commits together with the event.
    `author` is the operator of a CommandGiven. `kind` names the event outright where the fact alone does not (Trouble).
    """

    device: DeviceId
    fact: Fact
    seen: Instant
    age_s: float = 0.0
    after_gap: bool = False
    cursor: DeviceCursor | None = None
    author: str = ""
    kind: str = ""
