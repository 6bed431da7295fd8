"""Modbus masters that we did not write, at the simulated door controller: the map is Modbus, not our idea of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from secd.model.secret import CardBits
from secd.wire import door_controller as wire
from simulators.door_controller.controller import DoorController

CARD = CardBits(bit_count=35, value=0x5_1234_5678)
SLOT_OF_FIRST = wire.FIFO + wire.slot_of(1) * wire.ENTRY_WORDS


@pytest.fixture
async def controller() -> AsyncIterator[DoorController]:
    async with DoorController() as controller:
        controller.present_card(2, CARD)
        yield controller


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


async def mbpoll(port: int, table: str, address: int, *more: str) -> list[int]:
    """One request of mbpoll's, by addresses of the PDU; the words it read."""
    output = await run(
        "mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", "-t", table, "-r", str(address), *more
    )
    return [int(word, 16) for word in re.findall(r"^\[\d+\]:\s+0x([0-9A-F]+)", output, re.MULTILINE)]


@pytest.mark.needs("mbpoll")
async def test_mbpoll_reads_a_card_and_releases_the_door(controller: DoorController) -> None:
    status = wire.decode_status(await mbpoll(controller.port, "3:hex", wire.STATUS, "-c", "48", "127.0.0.1"))
    assert (status.newest, status.fifo_count) == (1, 1)
    slot = await mbpoll(controller.port, "3:hex", SLOT_OF_FIRST, "-c", str(wire.ENTRY_WORDS), "127.0.0.1")
    (entry,) = wire.decode_fifo(slot)
    assert (entry.reader, entry.bits) == (2, CARD)
    assert not controller.is_unlocked("2")
    await mbpoll(controller.port, "4", wire.PULSE_ENERGISE + 1, "127.0.0.1", "600")
    assert controller.walk_through("2")
    await mbpoll(controller.port, "4", wire.ACKNOWLEDGE_READS, "127.0.0.1", "0", "1")
    assert controller.state()["fifo"]["waiting"] == 0
    await mbpoll(controller.port, "0", wire.RELAY_COIL, "127.0.0.1", "1")
    assert controller.is_unlocked("1")


@pytest.mark.needs("npm:modbus-serial")
async def test_modbus_serial_reads_a_card_and_releases_the_door(controller: DoorController) -> None:
    script = Path(__file__).parent / "modbus_read.js"
    seen = json.loads(await run("node", str(script), str(controller.port)))
    assert seen == {
        "product": 0x5EC1,
        "newest": 1,
        "waiting": 1,
        "reader": 2,
        "bitCount": 35,
        "value": str(CARD.value),
        "relays": 0b0001_0001,
        "waitingAfter": 0,
        "coils": [False, False, False, False],
        "refused": 3,
    }
    assert controller.walk_through("1")


async def test_pymodbus_reads_a_card_and_releases_the_door(controller: DoorController) -> None:
    client = AsyncModbusTcpClient("127.0.0.1", port=controller.port, timeout=5, retries=0, reconnect_delay=0)
    assert await client.connect()
    try:
        (entry,) = wire.decode_fifo(
            (await client.read_input_registers(SLOT_OF_FIRST, count=wire.ENTRY_WORDS)).registers
        )
        assert (entry.reader, entry.bits) == (2, CARD)
        assert not (await client.write_register(wire.PULSE_ENERGISE + 1, 600)).isError()
        assert controller.walk_through("2")
        assert (await client.read_coils(wire.RELAY_COIL, count=4)).bits[:4] == [False] * 4
        assert (await client.write_register(wire.PULSE_ENERGISE, 6001)).exception_code == 3
    finally:
        client.close()
