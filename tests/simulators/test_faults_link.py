"""FaultyLink in front of a real echo server: what a client on the other side of the cable sees."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from simulators.faults import DELAY_S_MAX, SPOILS_QUEUED_MAX, Cut, FaultyLink
from simulators.spoils import FLOOD_BYTES, Spoil, Then, Towards, modbus_frames, spoil_message

MESSAGE = b"\x00\x07\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a"


class Echo:
    """Answers every message with itself and counts connections and bytes."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.heard_something = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(4096):
                self.heard += chunk
                self.heard_something.set()
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.hung_up.set()


@asynccontextmanager
async def cable(**link_arguments: object) -> AsyncIterator[tuple[FaultyLink, Echo]]:
    echo = Echo()
    server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
    try:
        async with FaultyLink(server.sockets[0].getsockname()[1], **link_arguments) as link:  # type: ignore[arg-type]
            yield link, echo
    finally:
        server.close()


@asynccontextmanager
async def client(link: FaultyLink) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], message: bytes = MESSAGE) -> bytes:
    reader, writer = streams
    writer.write(message)
    return await reader.readexactly(len(message))


async def test_a_sound_link_carries_bytes_both_ways_and_ends_with_the_client() -> None:
    async with cable() as (link, echo):
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        assert await exchange((reader, writer)) == MESSAGE
        writer.close()
        async with asyncio.timeout(10):
            await echo.hung_up.wait()


async def test_a_cut_cable_is_silent_and_delivers_late_what_was_sent_once_it_is_mended() -> None:
    async with cable() as (link, echo), client(link) as (reader, writer):
        assert await exchange((reader, writer)) == MESSAGE
        echo.heard_something.clear()
        await link.cut(Cut.SILENT)
        writer.write(b"late")
        async with client(link) as (other_reader, other_writer):
            other_writer.write(b"also")
            for silent in (reader, other_reader):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await silent.read(1)
            assert not echo.heard_something.is_set()
            await link.restore()
            assert await reader.readexactly(4) == b"late"
            assert await other_reader.readexactly(4) == b"also"


async def test_a_peer_without_power_resets_its_connections_and_refuses_new_ones_until_restored() -> None:
    async with cable() as (link, _), client(link) as (reader, writer):
        await exchange((reader, writer))
        await link.cut(Cut.REFUSED)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", link.port)
        await link.restore()
        async with client(link) as again:
            assert await exchange(again) == MESSAGE


async def test_a_refusing_link_can_become_a_silent_one() -> None:
    async with cable() as (link, _):
        await link.cut(Cut.REFUSED)
        await link.cut(Cut.SILENT)
        async with client(link) as (reader, writer):
            writer.write(b"x")
            await link.restore()
            assert await reader.readexactly(1) == b"x"


async def test_reset_ends_the_connections_there_are_and_welcomes_new_ones() -> None:
    async with cable() as (link, _), client(link) as first:
        await exchange(first)
        link.reset()
        with pytest.raises(ConnectionResetError):
            await first[0].read(1)
        async with client(link) as second:
            assert await exchange(second) == MESSAGE


async def test_a_delayed_link_answers_after_its_delay_each_way() -> None:
    async with cable() as (link, _), client(link) as streams:
        await exchange(streams)
        link.delay(0.05)
        began = asyncio.get_running_loop().time()
        assert await exchange(streams) == MESSAGE
        assert asyncio.get_running_loop().time() - began >= 0.099


async def test_a_reply_is_lost_once_and_the_next_one_comes() -> None:
    second = b"\x00\x08" + MESSAGE[2:]
    async with cable(framing=modbus_frames) as (link, echo), client(link) as (reader, writer):
        link.spoil(Spoil.LOST)
        writer.write(MESSAGE + second)
        assert await reader.readexactly(len(second)) == second
        assert bytes(echo.heard) == MESSAGE + second


async def test_a_request_is_spoiled_on_its_way_to_the_server() -> None:
    async with cable() as (link, echo), client(link) as streams:
        link.spoil(Spoil.TWICE, towards=Towards.SERVER)
        assert await exchange(streams, MESSAGE) == MESSAGE
        assert await streams[0].readexactly(len(MESSAGE)) == MESSAGE
        assert bytes(echo.heard) == MESSAGE * 2


async def test_garbage_comes_instead_of_or_before_the_reply() -> None:
    async with cable() as (link, _), client(link) as streams:
        link.spoil(Spoil.GARBAGE)
        assert await exchange(streams) != MESSAGE
        link.spoil(Spoil.GARBAGE_BEFORE)
        streams[1].write(MESSAGE)
        assert (await streams[0].readexactly(7 + len(MESSAGE)))[7:] == MESSAGE


async def test_half_a_reply_comes_and_then_silence_on_that_connection_only() -> None:
    async with cable() as (link, echo), client(link) as (reader, writer):
        link.spoil(Spoil.HALF)
        writer.write(MESSAGE)
        assert await reader.readexactly(len(MESSAGE) // 2) == MESSAGE[: len(MESSAGE) // 2]
        writer.write(MESSAGE)
        while len(echo.heard) < 2 * len(MESSAGE):
            echo.heard_something.clear()
            await echo.heard_something.wait()
        async with client(link) as other:
            assert await exchange(other) == MESSAGE
        writer.write_eof()
        await echo.hung_up.wait()


async def test_a_reply_comes_twice_split_reset_or_as_a_flood() -> None:
    async with cable() as (link, _), client(link) as (reader, writer):
        link.spoil(Spoil.TWICE)
        writer.write(MESSAGE)
        assert await reader.readexactly(2 * len(MESSAGE)) == 2 * MESSAGE
        link.spoil(Spoil.SPLIT)
        assert await exchange((reader, writer)) == MESSAGE
        link.spoil(Spoil.FLOOD)
        writer.write(MESSAGE)
        assert len(await reader.readexactly(FLOOD_BYTES)) == FLOOD_BYTES
        link.spoil(Spoil.RESET)
        writer.write(MESSAGE)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)


async def test_framing_spoils_one_modbus_frame_of_two_that_came_together() -> None:
    second = b"\x00\x08" + MESSAGE[2:]
    async with cable(framing=modbus_frames) as (link, _), client(link) as (reader, writer):
        link.spoil(Spoil.OTHER_TRANSACTION)
        writer.write(MESSAGE + second)
        assert await reader.readexactly(len(MESSAGE)) == b"\x55\x52" + MESSAGE[2:]
        assert await reader.readexactly(len(second)) == second


async def test_a_server_that_is_away_resets_the_client() -> None:
    with socket.socket() as bound_but_not_listening:
        bound_but_not_listening.bind(("127.0.0.1", 0))
        port = bound_but_not_listening.getsockname()[1]
        async with FaultyLink(port) as link, client(link) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)


def test_every_spoil_is_bounded_and_only_some_end_the_connection() -> None:
    chance = random.Random(1)
    for spoil in Spoil:
        spoiled = spoil_message(MESSAGE * 20, spoil, chance)
        assert sum(map(len, spoiled.pieces)) <= FLOOD_BYTES
        assert len(spoiled.pieces) <= 65
        assert (spoiled.then is not Then.GOES_ON) == (spoil in {Spoil.HALF, Spoil.RESET})
    assert spoil_message(MESSAGE, Spoil.OTHER_UNIT, chance).pieces == (MESSAGE[:6] + b"\x54" + MESSAGE[7:],)


async def test_a_fault_without_bound_is_refused() -> None:
    async with cable() as (link, _):
        with pytest.raises(ValueError, match="0 to 60"):
            link.delay(DELAY_S_MAX + 1)
        link.spoil(Spoil.LOST, messages=SPOILS_QUEUED_MAX)
        with pytest.raises(ValueError, match="wait to be spoiled"):
            link.spoil(Spoil.LOST)
        await link.restore()
        assert link.state()["to_spoil"] == {"client": 0, "server": 0}
