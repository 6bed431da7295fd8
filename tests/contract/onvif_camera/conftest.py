"""A camera's link as the tests see it: the real driver against the simulator, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from secd.drivers.onvif_camera import FAMILY, OnvifCameraSettings
from secd.model.facts import CameraSaw, LinkChanged
from secd.model.names import DeviceId, OrderId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, FetchPicture, Outcome
from secd.model.secret import Secret
from secd.runtime.clock import Clock, SystemClock
from simulators.onvif_camera import OnvifCamera

WAIT_S_MAX = 20.0
PASSWORD = "camera-password"


class Link:
    """One run of one driver: what it reported, and how it ended."""

    def __init__(self, driver: Any, clock: Clock) -> None:
        self.driver = driver
        self.clock = clock
        self.seen: list[Observation] = []
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def report(self, observation: Observation) -> None:
        self.seen.append(observation)
        self._arrived.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self.driver.run(self.report, lambda: None))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def facts(self) -> list[Any]:
        return [observation.fact for observation in self.seen]

    async def until(self, wanted: Callable[[Any], bool], *, after: int = 0) -> Observation:
        """The first observation past number `after` whose fact is wanted; the link's own error if it ends before."""
        assert self._task is not None
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                for observation in self.seen[after:]:
                    if wanted(observation.fact):
                        return observation
                if self._task.done():
                    self._task.result()
                self._arrived.clear()
                arrival = asyncio.ensure_future(self._arrived.wait())
                await asyncio.wait({arrival, self._task}, return_when=asyncio.FIRST_COMPLETED)
                arrival.cancel()

    async def up(self) -> None:
        await self.until(lambda fact: isinstance(fact, LinkChanged) and fact.up)

    async def saw(self, what: str, *, active: bool, after: int = 0, initial: bool = False) -> Observation:
        return await self.until(
            lambda fact: (
                isinstance(fact, CameraSaw) and (fact.what, fact.active, fact.initial) == (what, active, initial)
            ),
            after=after,
        )

    async def ended(self) -> BaseException:
        """What the run ended with."""
        assert self._task is not None
        async with asyncio.timeout(WAIT_S_MAX):
            await asyncio.wait({self._task})
        error = self._task.exception()
        assert error is not None
        return error

    async def picture(self, *, within_s: float = 15.0) -> Outcome:
        order = DeviceOrder(
            id=OrderId("order-1"),
            device=DeviceId("cam"),
            act=FetchPicture(),
            expires_mono_s=self.clock.now().mono_s + within_s,
        )
        async with asyncio.timeout(WAIT_S_MAX):
            outcome: Outcome = await self.driver.perform(order)
        return outcome


def settings_for(address: str, **more: Any) -> OnvifCameraSettings:
    login = {"username": "secd", "password": {"environment": "CAMERA_PASSWORD"}}
    base = {"driver": "onvif_camera", "address": address, "login": login, "pull_timeout": "1s", "answer_timeout": "3s"}
    return OnvifCameraSettings.model_validate({**base, **more})


@asynccontextmanager
async def linked(
    address: str, *, password: str = PASSWORD, clock: Clock | None = None, **more: Any
) -> AsyncIterator[Link]:
    clock = clock or SystemClock()
    driver = FAMILY.build(DeviceId("cam"), settings_for(address, **more), clock, lambda _ref: Secret(password))
    link = Link(driver, clock)
    link.start()
    try:
        yield link
    finally:
        await link.stop()


@pytest.fixture
def connect() -> Any:
    """`connect(address, password=..., clock=..., **settings)`: an async context manager with a started Link."""
    return linked


@pytest.fixture
def settings() -> Any:
    return settings_for


@pytest.fixture
async def camera() -> AsyncIterator[OnvifCamera]:
    async with OnvifCamera() as camera:
        yield camera


@pytest.fixture
async def link(camera: OnvifCamera) -> AsyncIterator[Link]:
    """A link that is up."""
    async with linked(camera.address) as link:
        await link.up()
        yield link
