"""What an administrator writes about panic points, alarms and what to do.

In: validated YAML. Out: settings classes. What must not be is refused in `checks.py`.
"""

from typing import Annotated, Literal

from pydantic import Field

from secd.config.types import (
    DeviceButton,
    DevicePoint,
    Flag,
    Name,
    Ref,
    Seconds,
    Settings,
    Text,
    Whole,
)
from secd.policies.access.settings import AreaName
from secd.policies.doors.settings import Acceptance
from secd.policies.supervision import Supervision

DoorName = Annotated[Name, Ref("doors")]
DeviceName = Annotated[Name, Ref("devices")]
PanicName = Annotated[Name, Ref("panic_points")]


class PanicSettings(Settings):
    """A panic button: wired to an `input`, or a wireless `button`."""

    area: AreaName
    input: DevicePoint | None = None
    button: DeviceButton | None = None
    supervised: Supervision | None = None
    latched_by: Literal["board", "button", "counter"] | None = None
    """What keeps a press until it is read: the board's latch, a latching button, or an edge counter."""
    press: Literal["help", "lockdown"] | None = None
    """What a wired point asks for; `help` where left out. A wireless button says it itself."""
    check_in: Seconds | None = None
    """How often a wireless button tells that its radio lives."""
    label: Text | None = None


class Snapshot(Settings):
    """One picture of each camera."""

    cameras: Literal["of_the_door"] | Annotated[list[DeviceName], Field(min_length=1)]


class SetThreatLevel(Settings):
    """Set a threat level in an area."""

    level: Annotated[Name, Ref("threat_levels")]
    in_: Annotated[AreaName, Field(alias="in")]


class RecordSettings(Settings):
    """Video around the moment. Not available yet: refused by `check`."""

    cameras: Literal["of_the_door"] | list[DeviceName]
    before: Seconds | None = None
    after: Seconds | None = None


class ActionSettings(Settings):
    """One thing to do: exactly one key."""

    snapshot: Snapshot | None = None
    set_threat_level: SetThreatLevel | None = None
    record: RecordSettings | None = None


class WhenSettings(Settings):
    """`{event: KIND, ...}` with filters that must all hold, or `{panic: [POINTS], press: any}`."""

    event: Text | None = None
    doors: list[DoorName] | None = None
    cameras: list[DeviceName] | None = None
    devices: list[DeviceName] | None = None
    areas: list[AreaName] | None = None
    """The area itself or one within it."""
    reason: list[Name] | None = None
    """Reasons of a denial."""
    panic: Annotated[list[PanicName], Field(min_length=1)] | None = None
    press: Literal["any", "help", "lockdown"] | None = None


class AlarmSettings(Settings):
    """What becomes an alarm, how urgent it is, and what secd does about it."""

    when: WhenSettings
    priority: Annotated[Whole, Field(ge=1, le=4)]
    silent: Flag = False
    """No effect on the premises whatever (S12)."""
    visible: Acceptance | None = None
    """Who accepts that a silent alarm has a visible effect, and why."""
    latching: Flag = True
    """It stays until its cause is gone and a person took it. A panic always does."""
    do: list[ActionSettings] = Field(default_factory=list)
    procedure: Annotated[Name, Ref("procedures")] | None = None
    label: Text | None = None
