"""One order at a time to each device, urgent ones next.

In: device orders in any number. Out: their outcomes, or None for one whose deadline passed while it waited: it was never
sent (S8). What holds the turn ends by its own deadline, so nobody waits without end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from secd.model.names import DeviceId
from secd.model.order import DeviceOrder, Outcome
from secd.runtime.clock import Clock

Perform: TypeAlias = Callable[[DeviceOrder], Awaitable[Outcome]]
"""Carries out one device order before its deadline; answers always, raises never."""


class Turn:
    """A lock with two queues: whoever is urgent comes next, the others in their order."""

    def __init__(self) -> None:
        self._held = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._ordinary: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def hold(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the turn for the length of the block."""
        await self._acquire(self._urgent if urgent else self._ordinary)
        try:
            yield
        finally:
            self._pass_on()

    async def _acquire(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._held:
            self._held = True
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(granted)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._pass_on()  # it was granted and cancelled in one turn of the loop
            raise

    def _pass_on(self) -> None:
        for queue in (self._urgent, self._ordinary):
            while queue:
                granted = queue.popleft()
                if not granted.done():
                    granted.set_result(None)
                    return
        self._held = False


class Turns:
    """Every device's turn. `perform` is the devices' own."""

    def __init__(self, perform: Perform, clock: Clock) -> None:
        self._perform = perform
        self._clock = clock
        self._turns: dict[DeviceId, Turn] = {}

    async def perform(self, order: DeviceOrder, *, urgent: bool) -> Outcome | None:
        """The outcome, or None: its deadline passed before its turn came, and it was not sent."""
        async with self._turns.setdefault(order.device, Turn()).hold(urgent=urgent):
            if self._clock.now().mono_s >= order.expires_mono_s:
                return None
            return await self._perform(order)
