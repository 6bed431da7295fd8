"""The door controller on a real socket: asked by pymodbus and by raw bytes, sound and through a faulty link."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from secd.model.secret import CardBits
from secd.wire import door_controller as wire
from simulators.door_controller.controller import DoorController
from simulators.faults import Cut, FaultyLink
from simulators.modbus_server import CONNECTIONS_MAX
from simulators.spoils import Spoil, modbus_frames

CARD = CardBits(bit_count=26, value=0x1234567)
READ_HEADER = bytes.fromhex("000700000006010400000009")


class Seconds:
    """A board's time that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def controller(seconds: Seconds) -> AsyncIterator[DoorController]:
    async with DoorController(monotonic=seconds, chance=random.Random(1)) as controller:
        yield controller


@asynccontextmanager
async def master(port: int) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.5, retries=0, reconnect_delay=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.transport.abort()


async def send_without_end(writer: asyncio.StreamWriter, request: bytes) -> None:
    while True:
        writer.write(request)
        await writer.drain()


async def poll(client: AsyncModbusTcpClient) -> wire.DoorStatus:
    answer = await client.read_input_registers(wire.STATUS, count=wire.STATUS_WORDS)
    assert not answer.isError(), answer
    return wire.decode_status(answer.registers)


async def test_pymodbus_reads_a_card_acknowledges_it_and_releases_the_door(
    controller: DoorController, seconds: Seconds
) -> None:
    async with master(controller.port) as client:
        controller.present_card(1, CARD)
        seconds.now += 0.5
        status = await poll(client)
        at = wire.FIFO + wire.slot_of(status.newest) * wire.ENTRY_WORDS
        entry = wire.decode_fifo((await client.read_input_registers(at, count=wire.ENTRY_WORDS)).registers)
        assert entry == (wire.CardEntry(sequence=1, reader=1, bits=CARD, age_ms=500),)
        assert not controller.walk_through("1")
        await client.write_register(wire.PULSE_ENERGISE, 50)
        await client.write_registers(wire.ACKNOWLEDGE_READS, [0, status.newest])
        assert controller.walk_through("1")
        status = await poll(client)
        assert status.relays[0] == wire.Relay(energised=True, pulsing=True)
        assert status.inputs[0].state.value == "normal"
        assert status.fifo_count == 0
        seconds.now += 6
        status = await poll(client)
        assert not controller.is_unlocked("1")
        assert not controller.is_open("1")
        assert status.inputs[0].activations == 1


async def test_until_returns_when_a_client_has_done_it(controller: DoorController) -> None:
    async with master(controller.port) as client, asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(controller.until(lambda: controller.is_unlocked("2")))
        answer = await client.write_coil(1, value=True)
        assert not answer.isError()


async def test_exceptions_come_as_pymodbus_expects_them(controller: DoorController) -> None:
    async with master(controller.port) as client:
        assert (await client.read_input_registers(0x0090, count=1)).exception_code == 2
        assert (await client.write_register(0, 6001)).exception_code == 3
        assert (await client.read_discrete_inputs(0)).exception_code == 1


async def test_several_masters_are_served_and_the_oldest_gives_way_to_one_too_many(controller: DoorController) -> None:
    async with raw(controller.port) as (oldest, _):
        others = [await asyncio.open_connection("127.0.0.1", controller.port) for _ in range(CONNECTIONS_MAX)]
        try:
            assert await oldest.read() == b""
            for reader, writer in others:
                writer.write(READ_HEADER)
                assert len(await reader.readexactly(27)) == 27
        finally:
            for _, writer in others:
                writer.transport.abort()


async def test_pipelined_and_torn_requests_are_answered_in_order(controller: DoorController) -> None:
    async with raw(controller.port) as (reader, writer):
        requests = b"".join(struct.pack(">H", number) + READ_HEADER[2:] for number in range(1, 51))
        writer.write(requests[:100])
        await writer.drain()
        writer.write(requests[100:])
        answers = [await reader.readexactly(27) for _ in range(50)]
        assert [int.from_bytes(answer[:2], "big") for answer in answers] == list(range(1, 51))


async def test_another_units_request_gets_no_answer_and_feeds_no_watchdog(controller: DoorController) -> None:
    async with raw(controller.port) as (reader, writer):
        writer.write(READ_HEADER[:6] + b"\x02" + READ_HEADER[7:] + READ_HEADER)
        answer = await reader.readexactly(27)
        assert answer[6] == 1
        assert controller.state()["requests"] == 1


@pytest.mark.parametrize(
    "garbage", ["GET / HTTP/1.1\r\n\r\n", "\x00\x01\x00\x00\x00\x01\x01\x03", "\x00\x01\x00\x00\xff\xff\x01\x03"]
)
async def test_what_is_not_modbus_ends_the_connection_and_nothing_else(
    controller: DoorController, garbage: str
) -> None:
    async with raw(controller.port) as (reader, writer), master(controller.port) as client:
        writer.write(garbage.encode("latin-1"))
        assert await reader.read() == b""
        assert (await poll(client)).header.boot_id


async def test_random_requests_never_stop_the_server(controller: DoorController) -> None:
    chance = random.Random(7)
    async with raw(controller.port) as (reader, writer):
        for _ in range(2000):
            pdu = bytes((chance.choice([1, 2, 3, 4, 5, 6, 15, 16, 43, 90]),)) + chance.randbytes(chance.randrange(12))
            writer.write(struct.pack(">HHHB", 9, 0, len(pdu) + 1, 1) + pdu)
            head = await reader.readexactly(8)
            rest = await reader.readexactly(int.from_bytes(head[4:6], "big") - 2)
            assert head[7] & 0x7F == pdu[0]
            assert not head[7] & 0x80 or rest[0] in {1, 2, 3}
    async with master(controller.port) as client:
        await poll(client)


async def test_a_client_that_takes_no_answers_is_not_served_without_bound(controller: DoorController) -> None:
    async with raw(controller.port) as (_, deaf), master(controller.port) as client:
        deaf.transport.set_write_buffer_limits(high=1 << 16)
        request = struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, wire.STATUS_WORDS) * 4000
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_without_end(deaf, request), 0.3)
        await poll(client)


async def test_a_reboot_ends_connections_and_shows_another_boot_id(controller: DoorController) -> None:
    async with master(controller.port) as client:
        before = (await poll(client)).header.boot_id
        controller.reboot()
        with pytest.raises(ModbusException):
            await poll(client)
        assert await client.connect()
        assert (await poll(client)).header.boot_id != before


async def test_a_second_master_is_a_stranger_who_sets_a_relay(controller: DoorController) -> None:
    async with master(controller.port) as client:
        controller.stranger_sets_relay(2)
        assert (await poll(client)).relays[1] == wire.Relay(energised=True)
        assert controller.is_unlocked("2")


async def test_five_hundred_boards_live_in_one_process() -> None:
    controllers = [DoorController(name=f"board-{number}") for number in range(500)]
    try:
        ports = [await controller.start() for controller in controllers]
        assert len(set(ports)) == 500
        streams = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
        boot_ids = set()
        for _, writer in streams:
            writer.write(READ_HEADER)
        for reader, writer in streams:
            boot_ids.add((await reader.readexactly(27))[13:17])
            writer.transport.abort()
        assert len(boot_ids) == 500
    finally:
        for controller in controllers:
            await controller.stop()


# --- through a faulty link -------------------------------------------------------------------------------------------


@pytest.fixture
async def link(controller: DoorController) -> AsyncIterator[FaultyLink]:
    async with FaultyLink(controller.port, framing=modbus_frames, chance=random.Random(3)) as link:
        yield link


@pytest.mark.parametrize("spoil", [Spoil.TWICE, Spoil.SPLIT])
async def test_a_master_that_reads_carefully_is_not_confused(link: FaultyLink, spoil: Spoil) -> None:
    async with master(link.port) as client:
        first = await poll(client)
        link.spoil(spoil)
        assert (await poll(client)).header == first.header
        assert (await poll(client)).header == first.header


@pytest.mark.parametrize(
    "spoil",
    [Spoil.LOST, Spoil.HALF, Spoil.OTHER_TRANSACTION, Spoil.OTHER_UNIT, Spoil.GARBAGE, Spoil.FLOOD, Spoil.RESET],
)
async def test_a_spoiled_answer_is_no_answer_to_the_master_and_a_new_connection_gets_one(
    link: FaultyLink, spoil: Spoil
) -> None:
    async with master(link.port) as client:
        await poll(client)
        link.spoil(spoil)
        with pytest.raises(ModbusException):
            await poll(client)
    async with master(link.port) as client:
        await poll(client)


async def test_a_cut_cable_leaves_the_master_without_answer_and_the_board_without_request(
    link: FaultyLink, controller: DoorController, seconds: Seconds
) -> None:
    async with master(link.port) as client:
        await client.write_registers(wire.WATCHDOG_TENTHS, [20])
        await client.write_coil(0, value=True)
        await link.cut(Cut.SILENT)
        with pytest.raises(ModbusException):
            await poll(client)
        assert controller.is_unlocked("1")
        seconds.now += 2
        assert not controller.is_unlocked("1"), "the watchdog has taken the safe state"
        await link.restore()
    async with master(link.port) as client:
        assert (await poll(client)).header.cabinet.watchdog_tripped
