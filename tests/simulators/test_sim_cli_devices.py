"""`secd-sim camera`, `buttons` and `station` against running simulators, through the control interface."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner, Result

from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, Received, open_session
from simulators.broker import EmbeddedBroker
from simulators.cli import main
from simulators.control import Control, serve_control
from simulators.monitoring_station import MonitoringStation
from simulators.onvif_camera import OnvifCamera
from simulators.wireless_buttons import WirelessButtons

SEEN_S_MAX = 10.0
BASE = "secd/1/county-a"
ALARM = {
    "alarm_id": "A1", "rev": 2, "kind": "panic", "priority": 1, "state": "active_unacked", "closed": False,
    "acknowledgement": "unacked", "point": "bench-a", "received_by": [],
}  # fmt: skip


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
async def camera() -> AsyncIterator[OnvifCamera]:
    async with OnvifCamera(name="east-cam") as camera:
        yield camera


@pytest.fixture
async def buttons(broker: EmbeddedBroker) -> AsyncIterator[WirelessButtons]:
    async with WirelessButtons(broker=broker.address, topic="b", buttons=["badge-1", "badge-2"]) as buttons:
        yield buttons


@pytest.fixture
async def station(broker: EmbeddedBroker) -> AsyncIterator[MonitoringStation]:
    async with MonitoringStation(broker=broker.address, instance="county-a", site="courthouse") as station:
        async with asyncio.timeout(SEEN_S_MAX):
            await station.until_connected()
        yield station


@pytest.fixture
async def port(
    broker: EmbeddedBroker, camera: OnvifCamera, buttons: WirelessButtons, station: MonitoringStation
) -> AsyncIterator[int]:
    async with serve_control(Control([broker, camera, buttons, station])) as port:
        yield port


@pytest.fixture
async def ear(broker: EmbeddedBroker) -> AsyncIterator[MqttSession]:
    async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="ear")) as session:
        yield session


async def secd_sim(port: int, *arguments: str) -> Result:
    """Run it in a thread, as its own process would: it may take its time while we serve."""
    environment = {"SECD_SIM_CONTROL": str(port)}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


async def heard(session: MqttSession, ending: str) -> Received:
    async with asyncio.timeout(SEEN_S_MAX):
        while True:
            received = await session.receive()
            session.acknowledge(received)
            if received.topic.endswith(ending):
                return received


def noticed(camera: OnvifCamera) -> set[str]:
    return {path for path, on in camera.state()["properties"].items() if on}


async def test_what_happens_before_a_camera_begins_and_is_over(camera: OnvifCamera, port: int) -> None:
    assert not noticed(camera)
    for words, seen in ((("motion",), "Motion"), (("tamper",), "GlobalSceneChange"), (("input",), "DigitalInput")):
        action, *more = words
        assert (await secd_sim(port, "camera", action, "east-cam", *more)).exit_code == 0
        assert any(seen in path for path in noticed(camera)), words
        assert (await secd_sim(port, "camera", action, "east-cam", *more, "--over")).exit_code == 0
        assert not noticed(camera)


async def test_a_contact_that_the_camera_does_not_have_is_refused(port: int) -> None:
    refused = await secd_sim(port, "camera", "input", "east-cam", "7")
    assert refused.exit_code == 5, refused.output


async def test_a_camera_misbehaves_until_it_behaves_and_reboots_when_told(camera: OnvifCamera, port: int) -> None:
    words = ("camera", "misbehave", "east-cam", "garbage", "--operation", "GET")
    assert (await secd_sim(port, *words)).exit_code == 0
    assert camera.state()["misbehaves"] == "garbage"
    assert (await secd_sim(port, "camera", "behave", "east-cam")).exit_code == 0
    assert camera.state()["misbehaves"] is None
    assert (await secd_sim(port, "camera", "reboot", "east-cam")).exit_code == 0
    assert camera.state()["boots"] == 2
    assert (await secd_sim(port, "camera", "misbehave", "east-cam", "politely")).exit_code == 2


async def test_a_press_is_published_with_its_kind_and_its_count(ear: MqttSession, port: int) -> None:
    await ear.subscribe("b/+/press")
    pressed = await secd_sim(port, "buttons", "press", "badge-1", "--lockdown", "--presses", "3")
    assert pressed.exit_code == 0, pressed.output
    said = json.loads((await heard(ear, "b/badge-1/press")).payload)
    assert (said["press"], said["presses"], said["press_id"]) == ("lockdown", 3, pressed.output.strip())


async def test_a_button_says_its_battery_and_a_jammed_one_says_nothing(
    buttons: WirelessButtons, ear: MqttSession, port: int
) -> None:
    await ear.subscribe("b/badge-1/state", "b/badge-2/state")
    assert (await secd_sim(port, "buttons", "battery", "badge-1", "15")).exit_code == 0
    while json.loads((await heard(ear, "badge-1/state")).payload)["battery"] != 15:
        pass
    assert (await secd_sim(port, "buttons", "jam", "badge-2")).exit_code == 0
    assert [name for name, button in buttons.buttons.items() if button.jammed] == ["badge-2"]
    assert (await secd_sim(port, "buttons", "check-in", "badge-2")).exit_code == 0
    assert buttons.state()["waiting"] == 0
    assert (await secd_sim(port, "buttons", "jam", "--over")).exit_code == 0
    assert not any(button.jammed for button in buttons.buttons.values())


async def test_the_station_lists_its_alarms_and_asks_secd_to_acknowledge(
    station: MonitoringStation, ear: MqttSession, port: int
) -> None:
    await ear.subscribe(f"{BASE}/cmd/#")
    told = {"mode": "simulated", "source": "/secd/county-a", "epoch": "e", "data": ALARM}
    await ear.publish(f"{BASE}/alarm/courthouse/A1", json.dumps(told).encode(), retain=True)
    async with asyncio.timeout(SEEN_S_MAX):
        await station.until(lambda: "A1" in station.ledger.alarms)
    assert (await secd_sim(port, "station", "alarms")).output == "A1 P1 panic at bench-a: active_unacked, rev 2\n"

    async def secd_answers() -> None:
        asked = json.loads((await heard(ear, "/ack")).payload)
        assert (asked["alarm_id"], asked["rev"], asked["note"]) == ("A1", 2, "two deputies sent")
        reply = {"data": {"cmd_id": asked["cmd_id"], "done": True}}
        await ear.publish(f"{BASE}/rsp/sheriff", json.dumps(reply).encode())

    acknowledged, _ = await asyncio.gather(
        secd_sim(port, "station", "ack", "--note", "two deputies sent"), secd_answers()
    )
    assert acknowledged.exit_code == 0, acknowledged.output
    assert json.loads(acknowledged.output)["done"] is True


async def test_a_station_vanishes_and_joins_again(station: MonitoringStation, port: int) -> None:
    assert (await secd_sim(port, "station", "vanish")).exit_code == 0
    assert not station.state()["connected"]
    refused = await secd_sim(port, "station", "ack")
    assert refused.exit_code == 5
    assert "no alarm waits" in refused.output
    assert (await secd_sim(port, "station", "join")).exit_code == 0
    assert station.state()["connected"]


async def test_the_broker_vanishes_once_and_comes_back_once(broker: EmbeddedBroker, port: int) -> None:
    assert (await secd_sim(port, "do", "broker", "vanish")).exit_code == 0
    assert not broker.is_running
    assert (await secd_sim(port, "do", "broker", "come-back")).exit_code == 0
    assert broker.is_running
    refused = await secd_sim(port, "do", "broker", "come-back")
    assert (refused.exit_code, refused.output) == (5, "only a broker that vanished can come back\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("station", "alarms", "--name", "nobody"), "there are: broker, east-cam, sheriff, wireless-buttons"),
        (("buttons", "press"), "Missing argument 'BUTTON'"),
        (("buttons", "serve"), "Missing argument 'BUTTON...'"),
        (("station", "serve", "--username", "sheriff"), "a login is --username with --password-file"),
        (("broker", "--user", "secd"), "logins are --user with --password-file"),
    ],
)
async def test_a_mistake_is_a_usage_error_that_says_what_would_be_right(
    port: int, arguments: tuple[str, ...], said: str
) -> None:
    result = await secd_sim(port, *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output
