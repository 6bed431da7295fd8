"""All links: reconciles them with the devices section, hands each order to its device, says how every link stands.

In: the settings of every device. Out: observations of the links that are current. An unchanged device keeps its link
over a reload; a changed one gets a new link, which waits until the old one has let go of the device.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from secd.config.types import Settings
from secd.devices.link import Link, LinkStatus
from secd.drivers.protocol import Family, Report, ResolveSecret
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor
from secd.model.order import DeviceOrder, Outcome
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock
from secd.runtime.supervisor import Supervisor


class Links:
    """One link per configured device."""

    def __init__(
        self,
        clock: Clock,
        supervisor: Supervisor,
        report: Report,
        resume: Callable[[DeviceId], DeviceCursor | None],
        resolve: ResolveSecret,
        *,
        families: Mapping[str, Family[Any]],
    ) -> None:
        self._clock = clock
        self._supervisor = supervisor
        self._report = report
        self._resume = resume
        self._resolve = resolve
        self._families = families
        self._links: dict[DeviceId, tuple[Link, asyncio.Task[None]]] = {}
        self._ending: dict[DeviceId, set[asyncio.Task[None]]] = {}
        self._generations = count(1)

    def reconcile(self, devices: Mapping[str, Settings]) -> None:
        """Start the new, stop the removed, replace the changed, leave the rest alone."""
        for device in [device for device in self._links if device not in devices]:
            self._end(device)
        for name, settings in devices.items():
            device = DeviceId(name)
            if device not in self._links:
                self._begin(device, settings)
            elif self._links[device][0].settings != settings:
                self._end(device)
                self._begin(device, settings)

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order, or say why not. Never raises."""
        if order.device not in self._links:
            return Outcome(order=order.id, done=False, detail=f"there is no device {order.device}")
        return await self._links[order.device][0].perform(order)

    def status(self) -> tuple[LinkStatus, ...]:
        """Every link, by name."""
        return tuple(self._links[device][0].status() for device in sorted(self._links))

    async def stop(self) -> None:
        """End every link; no output changes, and nothing is reported any more."""
        ending = [self._end(device) for device in list(self._links)]
        await self._supervisor.cancel(*(task.get_name() for task in ending))

    def _begin(self, device: DeviceId, settings: Settings) -> None:
        family = self._families[str(settings.driver)]  # type: ignore[attr-defined]
        link = Link(
            device=device,
            family=family.name,
            settings=settings,
            build=lambda: family.build(device, settings, self._clock, self._resolve),
            clock=self._clock,
            report=self._report,
            resume=lambda: self._resume(device),
            backoff=Backoff(),
        )
        after = frozenset(self._ending.get(device, ()))
        name = f"link {device} {next(self._generations)}"
        self._links[device] = (link, self._supervisor.run(name, lambda: link.run(after), restart=Backoff()))

    def _end(self, device: DeviceId) -> asyncio.Task[None]:
        link, task = self._links.pop(device)
        link.retire()
        self._ending.setdefault(device, set()).add(task)
        task.add_done_callback(lambda done: self._let_go(device, done))
        task.cancel()
        return task

    def _let_go(self, device: DeviceId, done: asyncio.Task[None]) -> None:
        self._ending[device].discard(done)
        if not self._ending[device]:
            del self._ending[device]
