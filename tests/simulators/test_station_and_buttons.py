"""The simulators that live at a broker, and the broker itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, Received, open_session
from simulators.broker import EmbeddedBroker, broker_table
from simulators.control import Control, ControlError
from simulators.monitoring_station import MonitoringStation
from simulators.mqtt_peer import Login
from simulators.wireless_buttons import WirelessButtons

LONG_S = 10.0
BASE = "secd/1/county-a"
A1 = f"{BASE}/alarm/courthouse/A1"


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as broker:
        yield broker


def dial(broker: EmbeddedBroker, client_id: str) -> Dial:
    return Dial(address=BrokerAddress.parse(broker.address), client_id=client_id)


def alarm(rev: int, **more: object) -> bytes:
    data = {
        "alarm_id": "A1", "rev": rev, "kind": "panic", "priority": 1, "state": "active_unacked", "closed": False,
        "acknowledgement": "unacked", "point": "bench-a", "received_by": [],
    }  # fmt: skip
    return json.dumps({"mode": "simulated", "source": "/secd/county-a", "epoch": "e", "data": data | more}).encode()


async def until_received(session: MqttSession, wanted: Callable[[Received], bool]) -> Received:
    async with asyncio.timeout(LONG_S):
        while True:
            received = await session.receive()
            session.acknowledge(received)
            if wanted(received):
                return received


def a_station(broker: EmbeddedBroker) -> MonitoringStation:
    return MonitoringStation(broker=broker.address, instance="county-a", site="courthouse")


async def test_a_broker_restarts_on_its_port_and_has_forgotten_everything(broker: EmbeddedBroker) -> None:
    async with open_session(dial(broker, "x")) as session:
        await session.publish("kept", b"1", retain=True)
    port = broker.port
    await broker.vanish()
    assert not broker.is_running
    await broker.come_back()
    assert broker.port == port
    async with open_session(dial(broker, "y")) as session:
        await session.subscribe("#")
        await session.publish("end", b"")
        assert (await until_received(session, lambda one: True)).topic == "end"


def test_a_password_with_quotes_stays_one_string_in_the_brokers_table() -> None:
    assert '"se\\"cd" = "a\\"b\\\\"' in broker_table(1883, {'se"cd': 'a"b\\'})


async def test_a_station_sends_a_receipt_for_each_revision_it_shows_and_not_for_its_own_echo(
    broker: EmbeddedBroker,
) -> None:
    async with open_session(dial(broker, "secd")) as secd, a_station(broker) as station:
        await secd.subscribe(f"{BASE}/cmd/#")
        async with asyncio.timeout(LONG_S):
            await station.until_connected()
        await secd.publish(A1, alarm(1))
        first = await until_received(secd, lambda one: one.topic.endswith("/receipt"))
        await secd.publish(A1, alarm(2, received_by=["sheriff"]))
        await secd.publish(A1, alarm(3))
        second = await until_received(secd, lambda one: one.topic.endswith("/receipt"))
        assert [json.loads(one.payload)["alarms"] for one in (first, second)] == [
            [{"id": "A1", "rev": 1}],
            [{"id": "A1", "rev": 3}],
        ]


async def test_a_station_survives_what_it_cannot_read(broker: EmbeddedBroker) -> None:
    async with open_session(dial(broker, "secd")) as secd, a_station(broker) as station:
        async with asyncio.timeout(LONG_S):
            await station.until_connected()
            for payload in (b"{", b"[]", b'{"data": {}}', b'{"data": {"alarm_id": 1, "rev": "x"}}'):
                await secd.publish(A1, payload)
            await secd.publish(A1, alarm(1))
            await station.until(lambda: "A1" in station.ledger.alarms)
        assert sum(line.startswith("unreadable") for line in station.lines) == 4


async def test_a_station_says_when_it_comes_when_it_goes_and_when_it_dies(broker: EmbeddedBroker) -> None:
    status = "secd/1/station/sheriff/status"
    async with open_session(dial(broker, "secd")) as secd:
        await secd.subscribe(status)
        async with a_station(broker) as station:
            assert b"online" in (await until_received(secd, lambda one: True)).payload
            async with asyncio.timeout(LONG_S):
                await station.until_connected()
            await station.vanish()
            assert b"lost" in (await until_received(secd, lambda one: True)).payload
            async with asyncio.timeout(LONG_S):
                await station.join()
            assert b"online" in (await until_received(secd, lambda one: True)).payload
        assert b"stopped" in (await until_received(secd, lambda one: True)).payload


async def test_station_and_buttons_are_driven_through_the_control_interface(broker: EmbeddedBroker) -> None:
    station = a_station(broker)
    buttons = WirelessButtons(broker=broker.address, topic="b", buttons=["badge-1"])
    control = Control([station, buttons])
    async with station, buttons, open_session(dial(broker, "ear")) as ear:
        await ear.subscribe("b/+/press")
        async with asyncio.timeout(LONG_S):
            await station.until_connected()
            await buttons.until_connected()
        await control.do("wireless-buttons", "press", {"button": "badge-1", "press": "lockdown", "presses": 3})
        pressed = json.loads((await until_received(ear, lambda one: True)).payload)
        assert (pressed["press"], pressed["presses"]) == ("lockdown", 3)
        with pytest.raises(ControlError) as unknown:
            await control.do("wireless-buttons", "press", {"button": "badge-9"})
        assert unknown.value.status == 409
        with pytest.raises(ControlError) as nothing:
            await control.do("sheriff", "acknowledge", {})
        assert nothing.value.status == 409
        assert control.state()["sheriff"]["connected"] is True
        assert control.state()["wireless-buttons"]["buttons"]["badge-1"]["presses"] == 3
    json.dumps(control.describe())


async def test_presses_wait_in_the_gateway_while_the_broker_is_away(broker: EmbeddedBroker) -> None:
    async with WirelessButtons(broker=broker.address, topic="b", buttons=["badge-1"]) as buttons:
        async with asyncio.timeout(LONG_S):
            await buttons.until_sent()
        await buttons.vanish()
        buttons.press("badge-1")
        buttons.press("badge-1", "lockdown")
        assert buttons.state()["waiting"] == 2
        async with open_session(dial(broker, "ear")) as ear:
            await ear.subscribe("b/+/press")
            async with asyncio.timeout(LONG_S):
                await buttons.join()
            kinds = [json.loads((await until_received(ear, lambda one: True)).payload)["press"] for _ in range(2)]
        assert kinds == ["help", "lockdown"]


async def test_a_repeating_button_repeats_until_it_is_released(broker: EmbeddedBroker) -> None:
    async with WirelessButtons(broker=broker.address, topic="b", buttons=["badge-1"]) as buttons:
        buttons.press("badge-1", repeat_s=90)
        assert buttons.state()["buttons"]["badge-1"]["repeating"] is True
        buttons.release("badge-1")
        assert buttons.state()["buttons"]["badge-1"]["repeating"] is False


async def test_a_login_that_is_wrong_is_told_in_the_state() -> None:
    async with EmbeddedBroker(users={"radio": "right"}) as broker:
        right, wrong = (
            WirelessButtons(
                broker=broker.address,
                topic="b",
                buttons=["badge-1"],
                name=word,
                login=Login(username="radio", password=word),
            )
            for word in ("right", "wrong")
        )
        async with wrong, right, asyncio.timeout(LONG_S):
            await right.until_connected()
            assert right.state()["problem"] == ""
            assert wrong.state()["connected"] is False
