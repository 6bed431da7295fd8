"""Carries out what the judge ordered, and keeps doors at their modes.

In: orders (momentary) and desired locks (standing), and the events that show what devices do. Out: device orders, each
order's outcome as exactly one OrderEnded observation, and how each door stands. Refuses an order that is late (S8), one
too many, and any before the modes were restored (S2). A lockdown cuts short the release in flight on its door (S3).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from secd.actions.locks import Locks
from secd.actions.translate import NotWired, translate
from secd.actions.turns import Perform, Turns
from secd.model.doors import Achieved, DoorMode
from secd.model.event import Event
from secd.model.facts import OrderEnded
from secd.model.names import DeviceId, DoorId, OrderId
from secd.model.observation import Observation
from secd.model.order import DesiredLock, DeviceOrder, Order, ReleaseDoor, RelockDoor, TakeSnapshot
from secd.model.wiring import Wiring
from secd.runtime.clock import Clock, Quiescence
from secd.runtime.crashpoint import reached
from secd.runtime.logs import one_line
from secd.runtime.supervisor import Supervisor, contain

IN_FLIGHT_MAX = 512
URGENT_IN_FLIGHT_MAX = 1024
KEEP_S_MAX = 5.0
SECD = DeviceId("secd")


class KeptPicture(Protocol):
    """Where a picture was kept."""

    @property
    def path(self) -> str:
        """Below the evidence directory."""

    @property
    def sha256(self) -> str:
        """In hex, of the picture's bytes."""

    @property
    def size_bytes(self) -> int:
        """Of the picture."""


KeepPicture: TypeAlias = Callable[[Order, bytes], Awaitable[KeptPicture]]
"""Keeps a picture as evidence under the order's cause. May raise; that is the order's failure."""


@dataclass(slots=True, kw_only=True)
class _Open:
    order: Order
    device: DeviceId
    task: asyncio.Task[None] | None = None


class Actions:
    """Every order under way, and every door's lock."""

    def __init__(
        self,
        *,
        wiring: Wiring,
        perform: Perform,
        report: Callable[[Observation], None],
        clock: Clock,
        supervisor: Supervisor,
        keep_picture: KeepPicture,
        quiescence: Quiescence | None = None,
    ) -> None:
        self._wiring = wiring
        self._report = report
        self._clock = clock
        self._supervisor = supervisor
        self._keep_picture = keep_picture
        self._quiescence = quiescence if quiescence is not None else Quiescence()
        self._open: dict[OrderId, _Open] = {}
        self._turns = Turns(perform, clock)
        self._locks = Locks(
            wiring=wiring, turns=self._turns, clock=clock, supervisor=supervisor, quiescence=self._quiescence
        )

    def rewire(self, wiring: Wiring) -> None:
        """Another wiring from now on; orders under way end as they began."""
        self._wiring = wiring
        self._locks.rewire(wiring)

    def restore(self, desired: Iterable[DesiredLock]) -> None:
        """The modes as stored. Called once at start, also when there are none: no output is written before it (S2)."""
        self._locks.restore(desired)

    def abandon(self, orders: Iterable[Order]) -> None:
        """Orders from before a crash, without an outcome: they are late now, and are said to be abandoned."""
        for order in orders:
            self._say(order, SECD, "abandoned", "secd ended before its outcome was known")

    def dispatch(self, orders: Iterable[Order]) -> None:
        """Carry out momentary orders now. Each ends in exactly one OrderEnded."""
        for order in orders:
            if order.id not in self._open:
                self._begin(order)

    def desire(self, desired: DesiredLock) -> None:
        """Keep a door at a mode from now on."""
        if self._locks.desire(desired):
            self._cut_short(desired.door, "cut short by a lockdown")

    def observe(self, event: Event) -> None:
        """See what a device said, to compare it with what is desired."""
        self._locks.observe(event)

    def achieved(self) -> dict[DoorId, Achieved]:
        """How every door with a desired mode stands."""
        return self._locks.achieved()

    @property
    def in_flight(self) -> int:
        """How many orders are under way."""
        return len(self._open)

    def _begin(self, order: Order) -> None:
        refusal = self._refusal(order)
        if refusal is not None:
            self._say(order, SECD, *refusal)
            return
        if isinstance(order.act, RelockDoor):
            self._relock(order, order.act.door)
        if isinstance(order.act, ReleaseDoor) and self._locks.stands_unlocked(order.act.door):
            self._say(order, self._wiring.locks[order.act.door].device, "done", "the door stands unlocked")
            return
        try:
            device, act = translate(order.act, self._wiring, self._standing(order))
        except NotWired as error:
            self._say(order, SECD, "failed", str(error))
            return
        if isinstance(order.act, ReleaseDoor):
            self._locks.released_until(order.act.door, order.expires_mono_s + order.act.duration_s)
        under_way = self._open[order.id] = _Open(order=order, device=device)
        device_order = DeviceOrder(id=order.id, device=device, act=act, expires_mono_s=order.expires_mono_s)
        self._quiescence.begin()
        under_way.task = self._supervisor.start(f"order {order.id}", self._carry_out(order, device_order))
        under_way.task.add_done_callback(lambda done: self._over(order))

    def _refusal(self, order: Order) -> tuple[str, str] | None:
        if self._clock.now().mono_s >= order.expires_mono_s:
            return "expired", "its deadline had passed"
        if not self._locks.restored:
            return "failed", "the doors' modes are not restored yet"
        if len(self._open) >= (URGENT_IN_FLIGHT_MAX if order.urgent else IN_FLIGHT_MAX):
            return "failed", "too many orders are under way"
        return None

    async def _carry_out(self, order: Order, device_order: DeviceOrder) -> None:
        outcome = await self._turns.perform(device_order, urgent=order.urgent)
        reached("performed")
        if isinstance(order.act, ReleaseDoor):
            released = outcome is not None and outcome.done
            until_mono_s = self._clock.now().mono_s + order.act.duration_s if released else 0.0
            self._locks.released_until(order.act.door, until_mono_s)
        if outcome is None:
            self._end(order, "expired", "its deadline passed while its device was busy")
        elif isinstance(order.act, TakeSnapshot) and outcome.picture is not None:
            await self._keep(order, outcome.picture)
        else:
            self._end(order, "done" if outcome.done else "failed", outcome.detail)

    async def _keep(self, order: Order, picture: bytes) -> None:
        try:
            async with asyncio.timeout(KEEP_S_MAX):
                kept = await contain(self._keep_picture(order, picture))
        except TimeoutError:
            self._end(order, "failed", "the picture could not be kept in time")
            return
        if isinstance(kept, Exception):
            self._end(order, "failed", f"the picture could not be kept: {one_line(kept, 200)}")
        else:
            self._end(order, "done", path=kept.path, sha256=kept.sha256, size_bytes=kept.size_bytes)

    def _relock(self, order: Order, door: DoorId) -> None:
        self._locks.released_until(door, 0.0)
        if order.urgent:
            self._cut_short(door, "cut short: the door is to be locked at once")

    def _cut_short(self, door: DoorId, why: str) -> None:
        for under_way in [*self._open.values()]:
            act = under_way.order.act
            if isinstance(act, ReleaseDoor) and act.door == door and under_way.task is not None:
                self._end(under_way.order, "failed", why)
                under_way.task.cancel()

    def _standing(self, order: Order) -> DoorMode:
        act = order.act
        return self._locks.standing(act.door) if isinstance(act, RelockDoor) else DoorMode.LOCKED

    def _over(self, order: Order) -> None:
        # Still open only when secd itself is stopping: the next start finds it without an outcome and abandons it.
        self._open.pop(order.id, None)
        self._quiescence.end()

    def _end(
        self, order: Order, result: str, detail: str = "", *, path: str = "", sha256: str = "", size_bytes: int = 0
    ) -> None:
        under_way = self._open.pop(order.id, None)
        if under_way is not None:
            self._say(order, under_way.device, result, detail, path=path, sha256=sha256, size_bytes=size_bytes)

    def _say(
        self,
        order: Order,
        device: DeviceId,
        result: str,
        detail: str,
        *,
        path: str = "",
        sha256: str = "",
        size_bytes: int = 0,
    ) -> None:
        fact = OrderEnded(
            order=order.id,
            act=type(order.act).__name__,
            result=result,
            detail=detail,
            path=path,
            sha256=sha256,
            size_bytes=size_bytes,
        )
        self._report(Observation(device=device, fact=fact, seen=self._clock.now()))
