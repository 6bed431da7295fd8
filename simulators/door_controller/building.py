"""The doors behind a controller, and the people who use them. Pure: `now` is an argument, nothing waits.

In: what people do (walk through, lean on, force, hold, close). Out: contacts and REX at the board's inputs. A leaf opens
for a person only when its lock lets go, whatever the software believes; from inside the lever always works.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulators.door_controller.board import DoorBoard

LEVER_S: Final = 0.1
REX_S: Final = 0.5
PASSAGE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorWiring:
    """How one door is wired to the board. `contact_closed_is`: what the contact input says when the leaf is closed.

    `bolt_input` is active while the bolt is thrown; None where there is no bolt monitoring.
    """

    reader: int
    relay: int
    contact_input: int
    rex_input: int
    bolt_input: int | None = None
    energise_to_unlock: bool = True
    contact_closed_is: bool = True


def wire_doors(count: int = 2) -> dict[str, DoorWiring]:
    """Doors "1" to `count`: reader n, relay n, contact 2n-1 (active when closed), REX 2n."""
    return {
        str(n): DoorWiring(reader=n, relay=n, contact_input=2 * n - 1, rex_input=2 * n) for n in range(1, count + 1)
    }


class Door:
    """One opening: a leaf, a lock that follows its relay's contact, a REX."""

    def __init__(self, wiring: DoorWiring, board: DoorBoard, now: float) -> None:
        self.wiring = wiring
        self.is_open = False
        self._board = board
        self._movements = 0
        board.input(wiring.rex_input)
        board.input(wiring.contact_input).active = wiring.contact_closed_is
        self.follow_lock(now)

    @property
    def unlocked(self) -> bool:
        """Whether the lock lets the leaf open now. A lock without supply is as its relay's rest position leaves it."""
        powered = not self._board.cabinet.lock_supply_failed
        energised = powered and self._board.relay(self.wiring.relay).contact
        return energised is self.wiring.energise_to_unlock

    def walk_through(self, now: float, open_s: float) -> bool:
        """A person pushes: passes an open or unlocked door, which then closes by itself; False at a locked one."""
        if self.is_open:
            return True
        if not self.unlocked:
            return False
        self._swing(now, is_open=True)
        self._close_at(now + open_s)
        return True

    def open_from_inside(self, now: float, lever_s: float, open_s: float) -> None:
        """A person leaves: REX, the lever (always works), through, and the door closes by itself."""
        self._board.press(self.wiring.rex_input, now, REX_S)
        movement = self._movements

        def pull(at: float) -> None:
            if not self.is_open and movement == self._movements:
                self._swing(at, is_open=True)
                self._close_at(at + open_s)

        self._board.schedule.at(now + lever_s, pull)
        self._board.changed()
        self._board.settle(now)

    def force(self, now: float) -> None:
        """The leaf is broken open, and stays open."""
        self._swing(now, is_open=True)

    def hold(self, now: float) -> bool:
        """A person props it open, until it is closed; False at a closed and locked one."""
        if not self.is_open and not self.unlocked:
            return False
        self._swing(now, is_open=True)
        return True

    def close(self, now: float) -> None:
        """Someone closes it."""
        self._swing(now, is_open=False)

    def follow_lock(self, now: float) -> None:
        """Throw or withdraw the bolt as the lock and the leaf are now."""
        if self.wiring.bolt_input is not None:
            thrown = not self.unlocked and not self.is_open
            if self._board.input(self.wiring.bolt_input).active is not thrown:
                self._board.drive(self.wiring.bolt_input, now, active=thrown)

    def describe(self) -> dict[str, Any]:
        """What the control interface shows of the door."""
        return {"open": self.is_open, "unlocked": self.unlocked}

    def _swing(self, now: float, *, is_open: bool) -> None:
        self._movements += 1
        if self.is_open is not is_open:
            self.is_open = is_open
            self._board.drive(self.wiring.contact_input, now, active=is_open is not self.wiring.contact_closed_is)
            self.follow_lock(now)

    def _close_at(self, due: float) -> None:
        movement = self._movements

        def close(at: float) -> None:
            if movement == self._movements:
                self._swing(at, is_open=False)

        self._board.schedule.at(due, close)
        self._board.changed()


class Building:
    """The doors of one board by name."""

    def __init__(self, doors: Mapping[str, DoorWiring], board: DoorBoard, now: float) -> None:
        self.doors = {name: Door(wiring, board, now) for name, wiring in doors.items()}
        self._bolts_are_watched = any(wiring.bolt_input is not None for wiring in doors.values())

    def door(self, name: str) -> Door:
        """The door of that name; ValueError when there is none."""
        if name not in self.doors:
            raise ValueError(f"there is no door {name!r} here; there are: {', '.join(self.doors)}")
        return self.doors[name]

    def follow_locks(self, now: float) -> None:
        """Move the bolts after relays or lock supply changed."""
        if self._bolts_are_watched:
            for door in self.doors.values():
                door.follow_lock(now)
