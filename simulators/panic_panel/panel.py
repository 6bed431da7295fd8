"""The panic panel: 16 supervised inputs, latched and counted, with the ages of their first and last pending press.

In: presses, wires, Modbus requests. Out: the registers of docs/register-map.md. A press between two polls stays pending
until its counter is acknowledged. Refuses inputs it does not have, with ValueError.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from annotated_types import Ge, Le

from secd.wire import panic_panel as wire
from simulators.board import Board
from simulators.inputs import SupervisedInput
from simulators.modbus_simulator import Milliseconds, ModbusSimulator

PRESS_MS = 500
_NEVER = wire.PressAges()


class PanicBoard(Board):
    """The panel's electronics."""

    def __init__(self, now: float, *, chance: random.Random | None = None) -> None:
        super().__init__(
            now,
            header=wire.panel_header,
            acknowledge_at=wire.ACKNOWLEDGE_ACTIVATIONS,
            uptime_at=wire.STEADY_WORDS,
            chance=chance,
        )

    def encode_status(self, now: float) -> Sequence[int]:
        """The words of the status request."""
        return wire.encode_status(
            wire.PanelStatus(
                header=self.header(),
                inputs=tuple(one.words() for one in self.inputs),
                ages=tuple(_ages(one, now) for one in self.inputs),
                uptime_s=self.uptime_s(now),
            )
        )

    def status(self, now: float) -> bytearray:
        """The status as it goes out; while a press is pending its age runs."""
        if any(one.pending for one in self.inputs):
            self._status = None
        return super().status(now)


class PanicPanel(ModbusSimulator[PanicBoard]):
    """One panel. `press` for a button that springs back, `pull` and `push_back` for one that locks."""

    def __init__(
        self,
        *,
        name: str = "panic-panel",
        unit: int = 1,
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        super().__init__(name, PanicBoard(monotonic(), chance=chance), unit=unit, port=port, monotonic=monotonic)

    def press(self, point: int, ms: Milliseconds = PRESS_MS, times: Annotated[int, Ge(1), Le(100)] = 1) -> None:
        """Press a button for `ms`, several times with as long a pause between."""
        now = self.now()
        for number in range(times):
            self.board.press(point, now, ms / 1000, delay_s=2 * number * ms / 1000)
        self.noticed()

    def pull(self, point: int) -> None:
        """Work a button that stays in."""
        self.board.drive(point, self.now(), active=True)
        self.noticed()

    def push_back(self, point: int) -> None:
        """Put a button back with its key."""
        self.board.drive(point, self.now(), active=False)
        self.noticed()

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {**super().actions(), "press": self.press, "pull": self.pull, "push_back": self.push_back}


def _ages(one: SupervisedInput, now: float) -> wire.PressAges:
    if not one.pending:
        return _NEVER
    first, last = (min(int((now - at) * 10), wire.AGE_TENTHS_MAX) for at in (one.first_pending, one.last_activation))
    return wire.PressAges(first_tenths=first, last_tenths=last)
