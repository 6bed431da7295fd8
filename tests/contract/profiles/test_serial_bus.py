"""Several units on one serial line: one link each, one request at a time, and what a wire does to frames."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from profile_bench import DEADLINE_S, PROFILES, Watch, settings

from secd.drivers.modbus_io.connection import NoAnswer
from secd.drivers.modbus_io.line import SerialPlace
from secd.drivers.modbus_io.serial_line import SerialUnit, checksum
from secd.model.errors import LinkLost
from secd.model.facts import InputState
from secd.model.order import SetOutput
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.rtu import RtuBus

NAME = "waveshare-relay-8di8ro"
READ_INPUTS = bytes((2, 0, 0, 0, 8))
READ_INPUTS_LENGTH = 4


@asynccontextmanager
async def on_a_bus(
    directory: Path, *units: int, **more: object
) -> AsyncIterator[tuple[RtuBus, list[ProfileBoard], list[Watch]]]:
    """Boards of these units on one line, and a watch over each, all up."""
    async with RtuBus() as bus:
        boards = [ProfileBoard(PROFILES[NAME], bus=bus, unit=unit) for unit in units]
        watches = []
        for board, unit in zip(boards, units, strict=True):
            await board.start()
            place = directory / str(unit)
            place.mkdir()
            watches.append(Watch(settings(NAME, f"serial://{bus.path}?baud=115200", place, unit=unit, **more)))
        try:
            for watch in watches:
                await watch.up()
            yield bus, boards, watches
        finally:
            for watch in watches:
                await watch.stop()


def test_the_checksum_is_that_of_the_standard() -> None:
    assert checksum(bytes.fromhex("0207")).hex() == "4112"  # Modbus over Serial Line V1.02, clause 6.2.2
    assert checksum(bytes.fromhex("010300000001")).hex() == "840a"


async def test_three_units_share_one_line_and_are_told_apart(tmp_path: Path) -> None:
    async with on_a_bus(tmp_path, 1, 2, 17) as (_, boards, watches):
        boards[1].close_contact(3)
        await watches[1].until(lambda: watches[1].points(3)[-1].state is InputState.ACTIVE)
        async with asyncio.TaskGroup() as together:
            for watch in watches:
                together.create_task(watch.perform(SetOutput(output=5, energised=True)))
        assert [board.electronics.relay(5).coil for board in boards] == [True, True, True]
        assert watches[0].points(3)[-1].state is InputState.NORMAL
        assert watches[2].points(3)[-1].state is InputState.NORMAL


async def test_a_dead_unit_is_lost_and_the_others_stay(tmp_path: Path) -> None:
    async with on_a_bus(tmp_path, 1, 2, timeout="100ms") as (_, boards, watches):
        await boards[0].stop()
        assert isinstance(await watches[0].ended(), LinkLost)
        before = boards[1].request_count
        async with asyncio.timeout(DEADLINE_S):
            await boards[1].until(lambda: boards[1].request_count > before + 20)
        assert (await watches[1].perform(SetOutput(output=1, energised=True))).done


async def test_one_damaged_frame_is_no_outage(tmp_path: Path) -> None:
    async with on_a_bus(tmp_path, 1, timeout="100ms") as (bus, boards, watches):
        bus.spoil_next = 1
        before = boards[0].request_count
        async with asyncio.timeout(DEADLINE_S):
            await boards[0].until(lambda: boards[0].request_count > before + 10)
        boards[0].close_contact(1)
        await watches[0].until(lambda: watches[0].points(1)[-1].state is InputState.ACTIVE)


async def test_a_line_that_is_unplugged_is_lost_for_every_unit_at_once(tmp_path: Path) -> None:
    async with on_a_bus(tmp_path, 1, 2, poll="1s") as (bus, _, watches):
        bus.stop()
        for watch in watches:
            assert isinstance(await watch.ended(), LinkLost)


async def test_a_line_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    watch = Watch(settings(NAME, "serial:///dev/no-such-line", tmp_path))
    watch.start()
    error = await watch.ended()
    assert isinstance(error, LinkLost)
    assert str(error) == "/dev/no-such-line cannot be opened: No such file or directory"


async def test_what_is_no_serial_line_is_said_to_be_none(tmp_path: Path) -> None:
    watch = Watch(settings(NAME, "serial:///dev/null", tmp_path))
    watch.start()
    assert "no serial line" in str(await watch.ended())


async def test_a_line_that_another_program_holds_is_not_shared_with_it() -> None:
    async with RtuBus() as bus:
        first = SerialUnit(SerialPlace(path=bus.path), unit=1, timeout_s=0.1)
        await first.open()
        other = SerialUnit(SerialPlace(path=bus.path, baud=19200), unit=2, timeout_s=0.1)
        with pytest.raises(LinkLost, match="is used by another program"):
            await other.open()
        first.close()


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    async with RtuBus() as bus:
        board = ProfileBoard(PROFILES[NAME], bus=bus, unit=1)
        await board.start()
        unit = SerialUnit(SerialPlace(path=bus.path, baud=115200), unit=1, timeout_s=0.15)
        await unit.open()
        bus.delay_s = 0.2
        with pytest.raises(NoAnswer):
            await unit.ask(READ_INPUTS, READ_INPUTS_LENGTH)
        bus.delay_s = 0.0
        board.close_contact(1)
        assert (await unit.ask(READ_INPUTS, READ_INPUTS_LENGTH))[2] == 1, "the late answer said 0"
        unit.close()


async def test_frames_of_other_units_and_noise_before_an_answer_are_passed_over() -> None:
    async with RtuBus() as bus:
        unit = SerialUnit(SerialPlace(path=bus.path, baud=115200), unit=1, timeout_s=2.0)
        await unit.open()
        foreign = bytes((2, 2, 1, 0xFF))
        right = bytes((1, 2, 1, 0x05))

        def answer(_: bytes) -> bytes:
            bus.send(b"\x00\xff\x01" + foreign + checksum(foreign) + right + checksum(right))
            return b"\x02\x01\x07"

        bus.units[1] = answer
        assert await unit.ask(READ_INPUTS, READ_INPUTS_LENGTH) == right[1:]
        unit.close()


async def test_a_board_that_declines_on_a_serial_line_is_heard() -> None:
    async with RtuBus() as bus, ProfileBoard(PROFILES[NAME], bus=bus):
        unit = SerialUnit(SerialPlace(path=bus.path, baud=115200), unit=1, timeout_s=2.0)
        await unit.open()
        with pytest.raises(Exception, match="Modbus exception 2"):
            await unit.ask(bytes((2, 9, 0, 0, 8)), READ_INPUTS_LENGTH)
        unit.close()
