"""The electronics of a board as its profile describes them: contacts, relays, a card, a watchdog. Pure: `now` is an
argument.

In: what people and wires do, and what a master writes, each with `now`. Out: what the registers show, by
`registers.RegisterMap`. What falls due (a pulse's end, a released button, the watchdog) is caught up with before the
next thing that looks.
"""

import math
import random
from dataclasses import dataclass
from typing import Any, Final

from secd.config.modbus.format import PerOutput, Profile
from secd.model.facts import InputState
from secd.model.secret import CardBits
from simulators.door_controller.parts import RelayOutput
from simulators.inputs import Schedule, SupervisedInput

SERVER_FAILURE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorTool:
    """What the maker's tool has set, where the profile leaves it to that."""

    watchdog_s: float | None = None
    safe: bool = False
    power_up: bool = False


class Electronics:
    """One board."""

    def __init__(
        self, profile: Profile, now: float, *, tool: VendorTool | None = None, chance: random.Random | None = None
    ) -> None:
        self.profile = profile
        self.tool = tool or VendorTool()
        self._chance = chance or random.Random()
        self.schedule = Schedule()
        inputs, outputs = profile.inputs, profile.outputs
        self.inputs = tuple(SupervisedInput() for _ in range(inputs.count if inputs else 0))
        self.relays = tuple(RelayOutput() for _ in range(outputs.count if outputs else 0))
        self.counted = [0] * len(self.inputs)
        self.cleared = [0] * len(self.inputs)
        self.runs = [False] * len(self.inputs)
        self.measured: dict[int, int] = {}
        self.safe = [self.tool.safe] * len(self.relays)
        self.power_up = [self.tool.power_up] * len(self.relays)
        self.pulse_units = [1] * len(self.relays)
        self.sequence = 0
        self.card: CardBits | None = None
        self.cards_missed = 0
        self.boot_flag, self.boot_number = True, 1
        self.watchdog_units = 0
        self.tripped = False
        self.signals: dict[str, int] = {}
        self._watchdog_due = math.inf

    # --- what people and wires do -----------------------------------------------------------------------------------

    def input(self, number: int) -> SupervisedInput:
        """Input `number`, from 1; ValueError when there is none."""
        if not 1 <= number <= len(self.inputs):
            raise ValueError(f"there is no input {number}; there are {len(self.inputs)}")
        return self.inputs[number - 1]

    def relay(self, number: int) -> RelayOutput:
        """Relay `number`, from 1; ValueError when there is none."""
        if not 1 <= number <= len(self.relays):
            raise ValueError(f"there is no relay {number}; there are {len(self.relays)}")
        return self.relays[number - 1]

    def drive(self, number: int, now: float, *, active: bool) -> None:
        """The contact of an input closes or opens."""
        one = self.input(number)
        before = one.activations
        one.set_contact(active, now)
        self._count(number - 1, one.activations - before)

    def set_wire(self, number: int, now: float, fault: InputState | None) -> None:
        """The wire of an input is cut, shorted or mended; a board without supervision sees an open or a closed contact."""
        one = self.input(number)
        before = one.activations
        inputs = self.profile.inputs
        if inputs is not None and not inputs.supervised:
            one.set_contact(fault is InputState.SHORT, now)
        else:
            one.set_wire(fault, now)
        self._count(number - 1, one.activations - before)

    def press(self, number: int, now: float, duration_s: float, *, delay_s: float = 0.0) -> None:
        """The contact is closed from `delay_s` on, for `duration_s`."""
        self.input(number)
        self.schedule.at(now + delay_s, lambda at: self.drive(number, at, active=True))
        self.schedule.at(now + delay_s + duration_s, lambda at: self.drive(number, at, active=False))
        self.settle(now)

    def present_card(self, bits: CardBits) -> bool:
        """Hold a card to the reader; False when it reads no other before its flag is cleared."""
        cards = self.profile.cards
        if cards is None:
            raise ValueError("this board has no reader")
        if bits.bit_count > (cards.fixed_bits or 16 * cards.words):
            raise ValueError(f"it has no room for {bits.bit_count} bits")
        if cards.handshake == "flag" and self.card is not None:
            self.cards_missed += 1
            return False
        self.sequence = self.sequence + 1 & 0xFFFF
        self.card = bits
        return True

    def boot(self, now: float) -> None:
        """Start anew: everything unsaved is forgotten, the relays take their power-up state."""
        self.settle(now)
        self.boot_flag, self.boot_number = True, self._chance.randrange(2, 0xFFFF)
        self.counted = [0] * len(self.inputs)
        self.cleared = [one.activations for one in self.inputs]
        self.runs = [False] * len(self.inputs)
        self.sequence, self.card, self.tripped = 0, None, False
        self._watchdog_due = math.inf
        resting = self.profile.outputs.power_up if self.profile.outputs else "unknown"
        for at, relay in enumerate(self.relays):
            relay.hold(energised=self._resting(resting, at, self.power_up))

    # --- time ---------------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """Catch up with everything due by `now`."""
        self.schedule.run(now)
        for relay in self.relays:
            relay.expire(now)
        if now >= self._watchdog_due:
            self._trip()

    def feed(self, now: float, *, writes: bool) -> None:
        """A request came."""
        self.settle(now)
        watchdog = self.profile.outputs.watchdog if self.profile.outputs else None
        if watchdog is None or (watchdog.fed_by == "write" and not writes):
            return
        armed = self._watchdog_due < math.inf
        if watchdog.armed_by == "first_write" and not armed and not writes:
            return
        if watchdog.set_by == "register":
            time_s = self.watchdog_units * watchdog.unit if self.watchdog_units else math.inf
        else:
            time_s = self.tool.watchdog_s or math.inf
        self._watchdog_due = now + time_s

    @property
    def locked(self) -> bool:
        """Whether outputs refuse commands."""
        watchdog = self.profile.outputs.watchdog if self.profile.outputs else None
        return self.tripped and watchdog is not None and watchdog.locks_writes

    def describe(self) -> dict[str, Any]:
        """How it stands, for the control interface."""
        return {
            "inputs": {
                number: {"state": one.state, "activations": one.activations}
                for number, one in enumerate(self.inputs, 1)
            },
            "relays": {
                number: {"energised": one.coil, "held": one.held, "pulsing": one.pulse is not None, "stuck": one.stuck}
                for number, one in enumerate(self.relays, 1)
            },
            "reader": {"sequence": self.sequence, "card_waits": self.card is not None, "missed": self.cards_missed},
            "watchdog": {"tripped": self.tripped, "units": self.watchdog_units},
        }

    def _trip(self) -> None:
        self._watchdog_due = math.inf
        self.tripped = True
        watchdog = self.profile.outputs.watchdog if self.profile.outputs else None
        for at, relay in enumerate(self.relays if watchdog is not None else ()):
            relay.hold(energised=self._resting(watchdog.safe if watchdog else "keeps", at, self.safe))

    def _resting(self, resting: str | PerOutput, at: int, written: list[bool]) -> bool:
        if isinstance(resting, PerOutput) or resting == "vendor_tool":
            return written[at]
        if resting in {"keeps", "unknown"}:
            return self.relays[at].held
        return resting == "energised"

    def _count(self, at: int, activations: int) -> None:
        latch = self.profile.inputs.latch if self.profile.inputs else None
        if latch is not None and (latch.run is None or self.runs[at]):
            self.counted[at] += activations
