"""What an administrator writes about a door: what is fitted, how people get out, how it is wired, how long things take.

In: validated YAML. Out: `DoorSettings`. What must not be fitted is refused in `checks.py`.
"""

from typing import Annotated, Literal

from pydantic import Field

from secd.config.types import (
    Day,
    DevicePoint,
    Name,
    Ref,
    Seconds,
    Settings,
    Text,
    Whole,
)
from secd.policies.access.settings import OUTSIDE

REX_GRACE_S_MAX = 0.5
RELEASE_S_MAX = 300.0


class Acceptance(Settings):
    """A risk somebody took on: who, and why."""

    accepted_by: Text
    why: Text


class HeldOpen(Settings):
    """How long a door may stand open: it warns first, then it is an alarm."""

    warn: Seconds
    alarm: Seconds


class ContactWiring(Settings):
    """Which input, and what it reads when the door is closed."""

    input: DevicePoint
    closed_is: Annotated[Whole, Field(ge=0, le=1)]


class DoorWiring(Settings):
    """Which points of which devices."""

    lock: DevicePoint
    reader: DevicePoint | None = None
    """On the `from` side. A door without one opens by schedule or by an operator only."""
    contact: ContactWiring | None = None
    rex: DevicePoint | None = None
    bolt: DevicePoint | None = None
    """An input that is active while the bolt is withdrawn."""


class Tested(Settings):
    """When a person last tried it."""

    egress: Day | None = None
    exit_release: Day | None = None
    fire_release: Day | None = None


class DoorSettings(Settings):
    """A door as it is entered: `from` one area `to` another. Leaving is free by hardware and never asks secd."""

    from_: Annotated[Name, Ref("areas", extra=(OUTSIDE,)), Field(alias="from")]
    to: Annotated[Name, Ref("areas", extra=(OUTSIDE,))]
    lock: Literal["strike", "bolt", "maglock", "motor"]
    without_power: Literal["locked", "unlocked"]
    """What the lock does when its own supply is gone."""
    relay: Literal["energise_to_unlock", "energise_to_lock"]
    egress: Literal["lever", "exit_device", "sensor_and_button", "none"]
    exit_release: Literal["hardwired", "not_needed"] | None = None
    fire_release: Literal["hardwired", "not_needed"]
    tested: Tested = Tested()
    relay_loss: Acceptance | None = None
    """Who accepts that the door unlocks when its board dies, and why."""
    rex: Literal["shunt_only", "releases"] = "shunt_only"
    rex_grace: Seconds = 0.25
    """How long an opening waits for a request to exit before it is forced: two scans of the board."""
    relock: Literal["on_open", "on_close"]
    release: Seconds = 5.0
    release_extended: Seconds = 15.0
    held_open: HeldOpen
    audit: Literal["normal", "strict"] = "normal"
    """strict: a release waits until its decision is on disk."""
    on_store_failure: Literal["keep_deciding", "deny_entry"] = "keep_deciding"
    wiring: DoorWiring
    cameras: list[Annotated[Name, Ref("devices")]] = Field(default_factory=list)
    label: Text | None = None
