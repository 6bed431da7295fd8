"""A real store, a real broker, the delivery between them and a station that listens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from delivery_builders import SITE

from secd.delivery.mqtt import MqttDelivery, MqttSettings
from secd.model.entry import Answer, Entry
from secd.model.facts import CommandGiven, Trouble
from secd.runtime.clock import Clock, SystemClock
from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, Received, open_session
from secd.runtime.supervisor import Supervisor
from secd.store.store import Store
from simulators.broker import EmbeddedBroker
from simulators.monitoring_station import MonitoringStation

LONG_S = 15.0


class Signals:
    """Something grows; tests wait for it."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def ring(self) -> None:
        self._more.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG_S):
            while not holds():
                self._more.clear()
                await self._more.wait()


class House(Signals):
    """What delivery knows of the house: the store, who judges commands, who hears of troubles."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.troubles: list[tuple[str, Trouble]] = []
        self.given: list[tuple[CommandGiven, str]] = []
        self.answer = Answer(done=True)
        self.clock: Clock = SystemClock()
        self.store: Store

    def report(self, kind: str, trouble: Trouble) -> None:
        self.troubles.append((kind, trouble))
        self.ring()

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.troubles]

    async def submit(self, command: CommandGiven, author: str) -> Answer:
        self.given.append((command, author))
        self.ring()
        return self.answer

    async def append(self, *entries: Entry) -> None:
        futures = [self.store.append(entry) for entry in entries]
        async with asyncio.timeout(LONG_S):
            await asyncio.gather(*futures)

    @asynccontextmanager
    async def delivering(self, broker: str, **settings: Any) -> AsyncIterator[MqttDelivery]:
        """Delivery under way; at the end it is told to stop."""
        supervisor = Supervisor(self.clock)
        written = {"broker": broker, "stations": {"sheriff": {"receipt": "station"}}} | settings
        delivery = MqttDelivery(
            MqttSettings.model_validate(written),
            SITE,
            reader=self.store,
            submit=self.submit,
            report_trouble=self.report,
            clock=self.clock,
            supervisor=supervisor,
        )
        task = asyncio.create_task(delivery.run())
        try:
            yield delivery
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    house.store = await Store.open(
        tmp_path / "log.db", site="courthouse", clock=SystemClock(), on_trouble=house.report, ballast_bytes=0
    )
    try:
        yield house
    finally:
        await house.store.close()


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as broker:
        yield broker


@asynccontextmanager
async def a_station(broker: str, **more: Any) -> AsyncIterator[MonitoringStation]:
    async with MonitoringStation(broker=broker, instance="county-a", site="courthouse", **more) as station:
        async with asyncio.timeout(LONG_S):
            await station.until_connected()
        yield station


class Ear(Signals):
    """A plain subscriber: everything that a topic filter brings."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []

    def topics(self) -> list[str]:
        return [one.topic for one in self.received]

    def payloads(self, topic: str) -> list[bytes]:
        return [one.payload for one in self.received if one.topic == topic]


@asynccontextmanager
async def an_ear(broker: str, topic: str = "secd/1/#", client_id: str = "ear") -> AsyncIterator[Ear]:
    ear = Ear()

    async def listen(session: MqttSession) -> None:
        while True:
            received = await session.receive()
            session.acknowledge(received)
            ear.received.append(received)
            ear.ring()

    async with open_session(Dial(address=BrokerAddress.parse(broker), client_id=client_id)) as session:
        await session.subscribe(topic)
        task = asyncio.create_task(listen(session))
        try:
            yield ear
        finally:
            task.cancel()
            await asyncio.wait({task})
