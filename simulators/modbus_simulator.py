"""A simulated board on a real socket: what the door controller and the panic panel do alike.

In: Modbus/TCP requests on a loopback port, and what is done to wires, cabinet and power, in process or through the
control interface. Out: answers, and `until`: a wait for what a client has done, instead of a sleep.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Self, TypeVar

from annotated_types import Ge, Le

from secd.model.facts import InputState
from secd.wire.registers import ResetCause
from simulators.board import Board
from simulators.modbus_server import ModbusServer

B = TypeVar("B", bound=Board)
Milliseconds = Annotated[float, Ge(0), Le(600_000)]


class ModbusSimulator(Generic[B]):
    """A board with a name and a port: `async with`, or `start` and `stop`. `monotonic` is the board's own time.

    `port` 0 takes any free one at `start`.
    """

    def __init__(
        self, name: str, board: B, *, unit: int = 1, port: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._port = port
        self.board = board
        self._monotonic = monotonic
        self._server = ModbusServer(board, monotonic, unit=unit, asked=self.noticed)
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def port(self) -> int:
        """Where it listens on the loopback; 0 before `start` when any free port will do."""
        return self._port

    async def start(self) -> int:
        """Listen; returns the port, which stays the same over `stop` and `start`."""
        self._port = await self._server.start(self._port)
        return self._port

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def now(self) -> float:
        """The board's seconds, with everything due by now done."""
        now = self._monotonic()
        self.board.settle(now)
        return now

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds; it is looked at after every request and every action. Bound it by a timeout."""
        self.now()
        if condition():
            return
        waiter = (condition, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await waiter[1]
        finally:
            self._waiters.remove(waiter)

    def noticed(self) -> None:
        """Something was asked of the board or done to it."""
        for condition, waiter in self._waiters:
            if not waiter.done() and condition():
                waiter.set_result(None)

    # --- what is done to any board; a point is an input's number ----------------------------------------------------

    def cut_wire(self, point: int) -> None:
        """Cut the wire of an input."""
        self.board.set_wire(point, self.now(), InputState.CUT)
        self.noticed()

    def short_wire(self, point: int) -> None:
        """Short the wire of an input."""
        self.board.set_wire(point, self.now(), InputState.SHORT)
        self.noticed()

    def mend_wire(self, point: int) -> None:
        """Mend the wire of an input."""
        self.board.set_wire(point, self.now(), None)
        self.noticed()

    def bounce(
        self,
        point: int,
        times: Annotated[int, Ge(1), Le(100)] = 3,
        gap_ms: Milliseconds = 12,
    ) -> None:
        """Let a contact chatter: it changes and changes back, so many times."""
        self.board.bounce(point, self.now(), times, gap_ms / 1000)
        self.noticed()

    def tamper(self, *, is_open: bool = True) -> None:
        """Open or close the enclosure."""
        self._set_cabinet(enclosure_open=is_open)

    def mains(self, *, failed: bool = True) -> None:
        """The mains fail or come back."""
        self._set_cabinet(mains_failed=failed)

    def battery(self, *, low: bool = True) -> None:
        """The battery runs low or is charged."""
        self._set_cabinet(battery_low=low)

    def lock_supply(self, *, failed: bool = True) -> None:
        """The supply of the locks fails or comes back."""
        self._set_cabinet(lock_supply_failed=failed)

    def reboot(self, cause: ResetCause = ResetCause.COMMANDED) -> None:
        """Start anew: another boot id, unsaved things lost, connections ended."""
        self.board.boot(self.now(), cause)
        self._server.drop_connections()
        self.noticed()

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do to any board."""
        return {
            "cut_wire": self.cut_wire,
            "short_wire": self.short_wire,
            "mend_wire": self.mend_wire,
            "bounce": self.bounce,
            "tamper": self.tamper,
            "mains": self.mains,
            "battery": self.battery,
            "lock_supply": self.lock_supply,
            "reboot": self.reboot,
        }

    def state(self) -> dict[str, Any]:
        """How the board stands."""
        served = {
            "port": self.port,
            "connections": self._server.connection_count,
            "requests": self._server.request_count,
        }
        return served | self.board.describe(self.now())

    def _set_cabinet(self, **flags: bool) -> None:
        self.now()
        self.board.set_cabinet(**flags)
        self.noticed()
