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
    exit_reader: DevicePoint | None = None
    """On the `to` side: whoever shows a card there is let out, whatever is known of the card."""
    contact: ContactWiring | None = None
    contacts: list[ContactWiring] = Field(default_factory=list)
    """Instead of `contact`: the leaves of a wide door, or two contacts that must agree."""
    contacts_are: Literal["leaves", "a_pair"] | None = None
    """leaves: the door is shut when all are; a_pair: two on one leaf (also one form-C), a fault where they differ."""
    rex: DevicePoint | None = None
    bolt: DevicePoint | None = None
    """An input that is active while the bolt is withdrawn, or while a maglock is not bonded."""
    reader_tamper: DevicePoint | None = None
    exit_reader_tamper: DevicePoint | None = None
    """Inputs that are active while the reader is off its wall."""

    @property
    def every_contact(self) -> tuple[ContactWiring, ...]:
        """All of them."""
        return tuple(self.contacts) or ((self.contact,) if self.contact is not None else ())


class Tested(Settings):
    """When a person last tried it by hand."""

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
    on_fire: Literal["keep", "unlock"] = "keep"
    """unlock: secd unlocks it while a fire alarm stands in an area it leads into or out of."""
    tested: Tested = Tested()
    travel: Seconds | None = None
    """How long a motor takes to throw or withdraw the bolt."""
    relay_loss: Acceptance | None = None
    """Who accepts that the door unlocks when its board dies, and why."""
    rex: Literal["shunt_only", "releases"] = "shunt_only"
    rex_grace: Seconds = 0.25
    """How long an opening waits for a request to exit before it is forced: two scans of the board."""
    rex_release: Seconds | None = None
    """How long a request to exit releases the door where `rex: releases`; as long as `release` where left out."""
    rex_ignored_after_closing: Seconds = 0.0
    """A request while the door is open, and this long after it shut, explains no later opening; it still releases."""
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
