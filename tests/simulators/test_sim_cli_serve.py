"""`secd-sim ... serve`, `secd-sim broker` and `secd-sim site` as processes of their own, until they are told to stop."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pymodbus.client import AsyncModbusTcpClient

from secd.model.secret import Secret
from secd.runtime.mqtt import BrokerAddress, Dial, open_session
from secd.wire.registers import DOOR_CONTROLLER, PANIC_PANEL
from simulators.broker import EmbeddedBroker, free_port
from simulators.control import call_control
from simulators.demo.daemon import DaemonProcess
from simulators.demo.play import COURTHOUSE_CONFIG
from simulators.demo.site import copy_site
from simulators.demo.witness import Witness
from simulators.onvif_camera.operations import SNAPSHOT_PATH

LISTENS_S_MAX = 30.0


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """`secd-sim ARGUMENTS`, once it said where it listens; it must end with 0 when told to stop."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from simulators.cli import main; main()", *arguments,
        stdout=PIPE, stderr=STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(LISTENS_S_MAX):
            while "control interface" not in said:
                line = (await process.stdout.readline()).decode()
                assert line, said
                said += line
        yield process, said
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LISTENS_S_MAX):
            rest = (await process.stdout.read()).decode()
            assert await process.wait() == 0, rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_camera_is_served_and_wants_its_login(unused_tcp_port: int) -> None:
    async with (
        served("camera", "serve", "--name", "east-cam", "--control", str(unused_tcp_port)) as (_, said),
        aiohttp.ClientSession() as client,
    ):
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address is not None, said
        async with client.get(f"{address[0]}{SNAPSHOT_PATH}") as answer:
            assert answer.status == 401
        state = await asyncio.to_thread(call_control, "/state", port=unused_tcp_port)
        assert state["east-cam"]["address"] == address[0]


async def test_a_broker_lets_in_whom_it_was_told_of(tmp_path: Path, unused_tcp_port: int) -> None:
    password = tmp_path / "password"
    password.write_text("a long one\n")
    words = ("--port", "0", "--user", "secd", "--password-file", str(password), "--control", str(unused_tcp_port))
    async with served("broker", *words) as (_, said):
        address = re.search(r"mqtt://127\.0\.0\.1:\d+", said)
        assert address is not None, said
        dial = Dial(
            address=BrokerAddress.parse(address[0]), client_id="one", username="secd", password=Secret("a long one")
        )
        async with open_session(dial) as session:
            await session.publish("kept", b"1", retain=True)


async def test_buttons_and_a_station_meet_at_a_broker(unused_tcp_port_factory: Callable[[], int]) -> None:
    first, second = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with EmbeddedBroker() as broker:
        at = ("--broker", broker.address)
        async with (
            served("station", "serve", *at, "--control", str(first)) as (_, watches),
            served("buttons", "serve", *at, "badge-1", "--control", str(second)),
            open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="ear")) as ear,
        ):
            assert "sheriff watches county-a/courthouse" in watches
            await ear.subscribe("secd/1/station/sheriff/status", "buttons/courthouse/badge-1/press")
            async with asyncio.timeout(LISTENS_S_MAX):
                assert b"online" in (await ear.receive()).payload
                await asyncio.to_thread(call_control, "/wireless-buttons/press", {"button": "badge-1"}, port=second)
                assert b'"help"' in (await ear.receive()).payload


async def test_the_whole_courthouse_listens_where_its_files_say(tmp_path: Path) -> None:
    site = copy_site(COURTHOUSE_CONFIG, tmp_path / "site", free_ports=True)
    before = {path: path.read_bytes() for path in site.directory.rglob("*") if path.is_file()}
    control = free_port()
    async with served("site", str(site.directory), "--control", str(control)) as (_, said):
        assert str(site.directory) in said
        for name, product in (("public-board", DOOR_CONTROLLER), ("panic-panel", PANIC_PANEL)):
            client = AsyncModbusTcpClient("127.0.0.1", port=site.ports[name], timeout=5, retries=0)
            assert await client.connect()
            assert (await client.read_input_registers(0, count=1)).registers == [product]
            client.close()
        state = await asyncio.to_thread(call_control, "/state", port=control)
        assert {*site.ports, "wireless-buttons", "sheriff", "broker", "secure-cable"} <= set(state)
        await asyncio.to_thread(call_control, "/secure-cable/cut", {}, port=control)
        state = await asyncio.to_thread(call_control, "/state", port=control)
        assert state["secure-cable"]["cut"] == "silent"
    assert {path: path.read_bytes() for path in site.directory.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("devices.yaml", None, "it has no devices.yaml"),
        ("secrets/mqtt-password", None, "it has no secrets/mqtt-password"),
        ("devices.yaml", "devices: {other-board: {}}", "its devices.yaml names no public-board"),
        ("site.yaml", "site: {}", "it has no section mqtt"),
        ("site.yaml", "{", "site.yaml"),
    ],
)
async def test_a_site_that_is_not_the_courthouse_is_a_usage_error(
    tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    site = copy_site(COURTHOUSE_CONFIG, tmp_path / "site", free_ports=True)
    if text is None:
        (site.directory / name).unlink()
    else:
        (site.directory / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from simulators.cli import main; main()", "site", str(site.directory),
        stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(LISTENS_S_MAX):
        printed, _ = await process.communicate()
    assert process.returncode == 2
    assert said in printed.decode()


async def test_secd_run_by_hand_guards_the_served_courthouse_and_hears_of_its_cut_cable(tmp_path: Path) -> None:
    site = copy_site(COURTHOUSE_CONFIG, tmp_path / "site", free_ports=True)
    control = free_port()
    daemon = DaemonProcess(tmp_path, site.directory, ahead_s=0)
    witness = Witness(daemon)
    async with served("site", str(site.directory), "--control", str(control)), AsyncExitStack() as stack:
        stack.push_async_callback(daemon.stop)
        await daemon.start()
        stack.push_async_callback(witness.close)
        follow = asyncio.create_task(witness.follow())
        await witness.all_devices_up()
        await asyncio.to_thread(call_control, "/secure-cable/cut", {}, port=control)
        lost = await witness.event("device.went_offline", "secure-board")
        assert lost["subject"] == "secure-board"
        await witness.close()
        await follow
