"""Modbus that we did not write, on both ends of a board with a profile: masters at its simulator, a slave before our driver."""

import asyncio
import json
import os
import re
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from secd.config.modbus.load import shipped_profile
from secd.drivers.modbus_io import FAMILY, ModbusIoSettings
from secd.model.facts import InputState, LinkChanged, OutputRead, PointChanged
from secd.model.names import DeviceId, OrderId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, SetOutput
from secd.model.secret import Secret
from secd.runtime.clock import SystemClock
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.rtu import RtuBus

DEADLINE_S = 20.0


async def run(*command: str) -> str:
    """What a program printed; its failure is ours."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(30):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return output.decode()


def words(output: str) -> list[int]:
    """The values mbpoll printed."""
    return [int(word, 0) for word in re.findall(r"^\[\d+\]:\s+(0x[0-9A-F]+|\d+)", output, re.MULTILINE)]


@pytest.mark.needs("mbpoll")
async def test_mbpoll_reads_and_drives_a_profile_board_over_tcp() -> None:
    async with ProfileBoard(shipped_profile("moxa-iologik-e1214")) as board:
        tcp = ("mbpoll", "-m", "tcp", "-p", str(board.port), "-a", "1", "-0", "-1")
        board.close_contact(2)
        assert words(await run(*tcp, "-t", "1", "-r", "0", "-c", "6", "127.0.0.1")) == [0, 1, 0, 0, 0, 0]
        await run(*tcp, "-t", "0", "-r", "0x0100", "127.0.0.1", "1")
        board.press(1, ms=1)
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.electronics.counted[0] == 1)
        assert words(await run(*tcp, "-t", "3:hex", "-r", "16", "-c", "2", "127.0.0.1")) == [0, 1]
        await run(*tcp, "-t", "0", "-r", "3", "127.0.0.1", "1")
        assert board.electronics.relay(4).coil


@pytest.mark.needs("mbpoll")
async def test_mbpoll_reads_and_drives_two_profile_boards_on_a_serial_line() -> None:
    waveshare, reader = shipped_profile("waveshare-relay-8di8ro"), shipped_profile("inveo-rfid-ind-m1")
    async with (
        RtuBus() as bus,
        ProfileBoard(waveshare, bus=bus, unit=3) as relays,
        ProfileBoard(reader, bus=bus, unit=9),
    ):
        line = ("mbpoll", "-m", "rtu", "-b", "9600", "-P", "none", "-0", "-1", "-o", "5")
        await run(*line, "-a", "3", "-t", "0", "-r", "5", bus.path, "1")
        assert relays.electronics.relay(6).coil
        assert words(await run(*line, "-a", "3", "-t", "0", "-r", "4", "-c", "3", bus.path)) == [0, 1, 0]
        assert words(await run(*line, "-a", "9", "-t", "0", "-r", "1016", "-c", "2", bus.path)) == [0, 1]


@pytest.mark.needs("npm:modbus-serial")
async def test_modbus_serial_reads_and_drives_a_profile_board() -> None:
    async with ProfileBoard(shipped_profile("moxa-iologik-e1214")) as board:
        board.close_contact(6)
        board.electronics.counted[0] = 0x10002
        seen = json.loads(await run("node", str(Path(__file__).parent / "modbus_board.js"), str(board.port)))
        assert seen == {
            "inputs": [False, False, False, False, False, True],
            "counter": [1, 2],
            "relays": [True, False, True, True, False, False],
            "refused": 2,
        }
        assert [relay.coil for relay in board.electronics.relays] == seen["relays"]


@asynccontextmanager
async def null_modem() -> AsyncIterator[tuple[str, str]]:
    """Two terminals, each of which reads what is written to the other."""
    pairs = [os.openpty(), os.openpty()]
    loop = asyncio.get_running_loop()
    for ours, theirs in pairs:
        tty.setraw(ours)
        tty.setraw(theirs)
    (first, _), (second, _) = pairs
    loop.add_reader(first, lambda: os.write(second, os.read(first, 4096)))
    loop.add_reader(second, lambda: os.write(first, os.read(second, 4096)))
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        loop.remove_reader(first)
        loop.remove_reader(second)
        for ends in pairs:
            for end in ends:
                os.close(end)


def pymodbus_board(unit: int) -> SimDevice:
    """8 relays as coils, 8 inputs, the third of them closed."""
    coils = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
    inputs = [SimData(0, values=[False, False, True, False, False, False, False, False], datatype=DataType.BITS)]
    registers = [SimData(0, count=1, datatype=DataType.REGISTERS)]
    return SimDevice(unit, simdata=(coils, inputs, registers, registers))


@pytest.mark.needs("python:pyserial")
async def test_our_driver_reads_and_drives_a_pymodbus_slave_over_a_serial_line() -> None:
    async with null_modem() as (ours, theirs):
        server = ModbusSerialServer([pymodbus_board(7)], framer=FramerType.RTU, port=theirs, baudrate=9600)
        await server.serve_forever(background=True)
        written = {"driver": "modbus_io", "profile": "waveshare-relay-8di8ro", "unit": 7}
        settings = ModbusIoSettings.model_validate(
            {**written, "address": f"serial://{ours}?baud=9600", "timeout": "1s"}
        )
        clock, seen, news = SystemClock(), list[Observation](), asyncio.Event()
        driver = FAMILY.build(DeviceId("board"), settings, clock, lambda _: Secret(""))

        def report(observation: Observation) -> None:
            seen.append(observation)
            news.set()

        running = asyncio.create_task(driver.run(report, lambda: None))
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not any(observation.fact == LinkChanged(up=True) for observation in seen):
                    news.clear()
                    await news.wait()
                states = {one.fact.point: one.fact.state for one in seen if isinstance(one.fact, PointChanged)}
                assert states["input/3"] is InputState.ACTIVE
                assert states["input/4"] is InputState.NORMAL
                order = DeviceOrder(
                    id=OrderId("order"), device=DeviceId("board"), act=SetOutput(output=8, energised=True),
                    expires_mono_s=clock.now().mono_s + DEADLINE_S,
                )  # fmt: skip
                outcome = await driver.perform(order)
                assert outcome.done, outcome.detail
                while OutputRead(output=8, energised=True) not in [observation.fact for observation in seen]:
                    news.clear()
                    await news.wait()
        finally:
            running.cancel()
            await asyncio.wait({running})
            await server.shutdown()
