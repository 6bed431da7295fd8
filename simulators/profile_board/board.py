"""A board of any maker on a real socket or a serial bus: what people, wires and cards do to it, and waits for what a
master did.

In: a profile, Modbus requests, actions in process or through the control interface. Out: answers. Refuses the profiles
of our own boards, which have simulators of their own (`secd-sim door`, `secd-sim panic`).
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

from annotated_types import Ge, Le, MaxLen
from pydantic import StringConstraints

from secd.config.modbus.format import Profile
from secd.model.facts import InputState
from secd.model.secret import CardBits
from simulators.modbus_server import ModbusServer
from simulators.profile_board.electronics import Electronics, VendorTool
from simulators.profile_board.registers import register_map
from simulators.profile_board.rtu import RtuBus
from simulators.profile_board.tables import WRITES, Quirks

Milliseconds = Annotated[float, Ge(0), Le(600_000)]
BitText = Annotated[str, StringConstraints(pattern=r"^[01]*$"), MaxLen(256)]


class ProfileBoard:
    """One board: `async with`, or `start` and `stop`. `monotonic` is its own time; `bus` puts it on a serial line."""

    def __init__(
        self,
        profile: Profile,
        *,
        name: str = "board",
        unit: int = 1,
        port: int = 0,
        bus: RtuBus | None = None,
        tool: VendorTool | None = None,
        quirks: Quirks | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        if profile.native is not None:
            raise ValueError("our own boards have simulators of their own: secd-sim door, secd-sim panic")
        self.name = name
        self.profile = profile
        self._unit = unit
        self._port = port
        self._bus = bus
        self._monotonic = monotonic
        self.electronics = Electronics(profile, monotonic(), tool=tool, chance=chance)
        limits = profile.limits
        self._tables = register_map(
            self.electronics, monotonic, replace(quirks or Quirks(), write_many=limits.write_many, gap=limits.gap)
        )
        self.request_count = 0
        self.writes: list[bytes] = []
        self._server = ModbusServer(self, monotonic, unit=unit)
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def port(self) -> int:
        """Where it listens on the loopback; 0 on a serial line."""
        return self._port

    async def start(self) -> int:
        """Listen, or take its place on the bus; returns the port."""
        if self._bus is not None:
            self._bus.units[self._unit] = self.answer
        else:
            self._port = await self._server.start(self._port)
        return self._port

    async def stop(self) -> None:
        """Fall silent."""
        if self._bus is not None:
            self._bus.units.pop(self._unit, None)
        else:
            await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def answer(self, request: bytes) -> bytes:
        """The answer to one request, from the function code on."""
        self.request_count += 1
        writes = request[0] in WRITES
        if writes:
            self.writes.append(request)
        self.electronics.feed(self._monotonic(), writes=writes)
        answer = self._tables.answer(request)
        self._noticed()
        return answer

    def now(self) -> float:
        """The board's seconds, with everything due by now done."""
        now = self._monotonic()
        self.electronics.settle(now)
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

    # --- what is done to it -------------------------------------------------------------------------------------------

    def close_contact(self, point: int) -> None:
        """Close the contact of an input."""
        self.electronics.drive(point, self.now(), active=True)
        self._noticed()

    def open_contact(self, point: int) -> None:
        """Open the contact of an input."""
        self.electronics.drive(point, self.now(), active=False)
        self._noticed()

    def press(self, point: int, ms: Milliseconds = 500, times: Annotated[int, Ge(1), Le(100)] = 1) -> None:
        """Close a contact for `ms`, several times with as long a pause between."""
        now = self.now()
        for number in range(times):
            self.electronics.press(point, now, ms / 1000, delay_s=2 * number * ms / 1000)
        self._noticed()

    def cut_wire(self, point: int) -> None:
        """Cut the wire of an input."""
        self.electronics.set_wire(point, self.now(), InputState.CUT)
        self._noticed()

    def short_wire(self, point: int) -> None:
        """Short the wire of an input."""
        self.electronics.set_wire(point, self.now(), InputState.SHORT)
        self._noticed()

    def mend_wire(self, point: int) -> None:
        """Mend the wire of an input."""
        self.electronics.set_wire(point, self.now(), None)
        self._noticed()

    def measure(self, point: int, value: Annotated[int, Ge(0), Le(65_535)]) -> None:
        """Let a measured input show a value, whatever its contact does."""
        self.electronics.input(point)
        self.electronics.measured[point - 1] = value
        self._noticed()

    def present_card(self, bits: CardBits) -> bool:
        """Hold a card to the reader; False when it takes none before its flag is cleared."""
        self.now()
        taken = self.electronics.present_card(bits)
        self._noticed()
        return taken

    def jump_sequence(self, to: Annotated[int, Ge(0), Le(65_535)]) -> None:
        """Let the reader's number of reads be another."""
        self.electronics.sequence = to
        self._noticed()

    def stick_relay(self, relay: int, *, closed: bool = True) -> None:
        """Weld a relay's contact; its coil goes on as told and the board cannot tell."""
        self.now()
        self.electronics.relay(relay).stuck = closed
        self._noticed()

    def stranger_sets_relay(self, relay: int, *, energised: bool = True) -> None:
        """Another master, or a button on the board, sets a relay."""
        self.now()
        self.electronics.relay(relay).hold(energised=energised)
        self._noticed()

    def reboot(self) -> None:
        """Start anew; connections end."""
        self.electronics.boot(self.now())
        self._server.drop_connections()
        self._noticed()

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {
            "close_contact": self.close_contact,
            "open_contact": self.open_contact,
            "press": self.press,
            "cut_wire": self.cut_wire,
            "short_wire": self.short_wire,
            "mend_wire": self.mend_wire,
            "measure": self.measure,
            "present_card": self._present_bits,
            "jump_sequence": self.jump_sequence,
            "stick_relay": self.stick_relay,
            "stranger_sets_relay": self.stranger_sets_relay,
            "reboot": self.reboot,
        }

    def state(self) -> dict[str, Any]:
        """How the board stands."""
        self.now()
        return {
            "port": self.port,
            "requests": self.request_count,
            "signals": self.electronics.signals,
        } | self.electronics.describe()

    def _present_bits(self, bits: BitText) -> bool:
        return self.present_card(CardBits(bit_count=len(bits), value=int(bits or "0", 2)))

    def _noticed(self) -> None:
        for condition, waiter in self._waiters:
            if not waiter.done() and condition():
                waiter.set_result(None)
