"""`DoorController`: a board and the doors behind it, served as Modbus/TCP, driven by plain methods or the control interface.

In: Modbus requests, and what people do at its doors. Out: answers, and what became of the people (`walk_through` is
False at a locked door). Refuses doors, readers, relays and inputs that the board does not have, with ValueError.
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import StringConstraints

from secd.model.secret import CardBits
from simulators.door_controller.board import DoorBoard
from simulators.door_controller.building import LEVER_S, PASSAGE_S, Building, DoorWiring, wire_doors
from simulators.modbus_simulator import Milliseconds, ModbusSimulator

BitText = Annotated[str, StringConstraints(pattern=r"^[01]{0,256}$")]
Opening = Annotated[float, Ge(0), Le(3600)]


class DoorController(ModbusSimulator[DoorBoard]):
    """One controller and its doors (by default "1" and "2"); see `wire_doors` for how they are wired."""

    def __init__(
        self,
        *,
        name: str = "door-controller",
        doors: Mapping[str, DoorWiring] | None = None,
        unit: int = 1,
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        board = DoorBoard(monotonic(), chance=chance)
        super().__init__(name, board, unit=unit, port=port, monotonic=monotonic)
        self._building = Building(wire_doors() if doors is None else doors, board, monotonic())

    def now(self) -> float:
        """The board's seconds, with everything due by now done, bolts too."""
        now = super().now()
        self._building.follow_locks(now)
        return now

    def noticed(self) -> None:
        """Something was asked of the board or done to it: bolts follow their relays."""
        self._building.follow_locks(self._monotonic())
        super().noticed()

    # --- what people do ---------------------------------------------------------------------------------------------

    def present_card(self, reader: int, bits: CardBits) -> int:
        """Hold a card to a reader; returns the read's sequence."""
        sequence = self.board.read_card(reader, bits, self.now())
        self.noticed()
        return sequence

    def walk_through(self, door: str, open_s: Opening = PASSAGE_S) -> bool:
        """Push the door: through and closed again after `open_s`; False when it is locked."""
        passed = self._building.door(door).walk_through(self.now(), open_s)
        self.noticed()
        return passed

    def open_from_inside(self, door: str, lever_ms: Milliseconds = LEVER_S * 1000, open_s: Opening = PASSAGE_S) -> None:
        """Leave: REX, then the lever after `lever_ms`, through, and the door closes by itself."""
        self._building.door(door).open_from_inside(self.now(), lever_ms / 1000, open_s)
        self.noticed()

    def force(self, door: str) -> None:
        """Break the door open."""
        self._building.door(door).force(self.now())
        self.noticed()

    def hold(self, door: str) -> bool:
        """Prop the door open; False when it is closed and locked."""
        held = self._building.door(door).hold(self.now())
        self.noticed()
        return held

    def close(self, door: str) -> None:
        """Close the door."""
        self._building.door(door).close(self.now())
        self.noticed()

    def press_rex(self, door: str, ms: Milliseconds = 500) -> None:
        """Press (or stand before) the request to exit for `ms`; the door stays closed."""
        self.board.press(self._building.door(door).wiring.rex_input, self.now(), ms / 1000)
        self.noticed()

    # --- what goes wrong --------------------------------------------------------------------------------------------

    def stick_relay(self, relay: int, *, closed: bool = True) -> None:
        """Weld a relay's contact; its coil goes on as told and the board cannot tell."""
        self.now()
        self.board.relay(relay).stuck = closed
        self.noticed()

    def free_relay(self, relay: int) -> None:
        """Free a welded contact."""
        self.now()
        self.board.relay(relay).stuck = None
        self.noticed()

    def stranger_sets_relay(self, relay: int, *, energised: bool = True) -> None:
        """Another Modbus master holds a relay."""
        self.board.relay(relay)
        now = self.now()
        self.board.feed(now)
        self.board.write_coils(relay - 1, (energised,), now)
        self.noticed()

    # --- control interface ------------------------------------------------------------------------------------------

    def is_unlocked(self, door: str) -> bool:
        """Whether a person can open the door from outside now."""
        self.now()
        return self._building.door(door).unlocked

    def is_open(self, door: str) -> bool:
        """Whether the leaf is open now."""
        self.now()
        return self._building.door(door).is_open

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {
            **super().actions(),
            "present_card": self._present_bits,
            "walk_through": self.walk_through,
            "open_from_inside": self.open_from_inside,
            "force": self.force,
            "hold": self.hold,
            "close": self.close,
            "press_rex": self.press_rex,
            "stick_relay": self.stick_relay,
            "free_relay": self.free_relay,
            "stranger_sets_relay": self.stranger_sets_relay,
        }

    def state(self) -> dict[str, Any]:
        """How the board and its doors stand."""
        board = super().state()
        return {"doors": {name: door.describe() for name, door in self._building.doors.items()}} | board

    def _present_bits(self, reader: int, bits: BitText) -> int:
        return self.present_card(reader, CardBits(bit_count=len(bits), value=int(bits or "0", 2)))
