"""`secd-sim` against running simulators, and one that it serves itself in another process."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner, Result
from pymodbus.client import AsyncModbusTcpClient

from secd.model.facts import InputState
from secd.wire import door_controller as wire
from secd.wire.registers import PANIC_PANEL
from simulators.cli import COMMANDS, main
from simulators.control import Control, serve_control
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink
from simulators.panic_panel.panel import PanicPanel


@pytest.fixture
async def board() -> AsyncIterator[DoorController]:
    async with DoorController(name="public-board") as board:
        yield board


@pytest.fixture
async def panel() -> AsyncIterator[PanicPanel]:
    async with PanicPanel() as panel:
        yield panel


@pytest.fixture
async def port(board: DoorController, panel: PanicPanel) -> AsyncIterator[int]:
    async with (
        FaultyLink(board.port, name="public-cable") as cable,
        serve_control(Control([board, panel, cable])) as port,
    ):
        yield port


async def secd_sim(port: int, *arguments: str) -> Result:
    """Run it in a thread, as its own process would: it may take its time while we serve."""
    environment = {"SECD_SIM_CONTROL": str(port)}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


async def test_a_card_of_a_format_arrives_at_the_reader_as_its_bits(board: DoorController, port: int) -> None:
    card = ("--facility", "12", "--number", "1001")
    assert (await secd_sim(port, "door", "present-card", "public-board", "2", *card)).output == "1\n"
    assert (await secd_sim(port, "door", "present-card", "public-board", "1", "--bits", "0110")).output == "2\n"
    first, second = board.board.fifo.entries(board.now())
    assert (first.reader, first.bits.bit_count, second.bits.value) == (2, 26, 0b0110)


async def test_a_locked_door_is_exit_code_five_and_an_unlocked_one_zero(board: DoorController, port: int) -> None:
    assert (await secd_sim(port, "door", "walk-through", "public-board", "1")).exit_code == 5
    board.stranger_sets_relay(1)
    assert (await secd_sim(port, "door", "hold", "public-board", "1")).exit_code == 0
    assert board.is_open("1")
    assert (await secd_sim(port, "door", "close", "public-board", "1")).exit_code == 0
    assert not board.is_open("1")
    assert (await secd_sim(port, "door", "leave", "public-board", "2")).exit_code == 0
    assert board.board.input(4).state is InputState.ACTIVE
    assert (await secd_sim(port, "door", "force", "public-board", "2")).exit_code == 0
    assert board.is_open("2")


async def test_any_action_can_be_done_by_name(board: DoorController, panel: PanicPanel, port: int) -> None:
    assert (await secd_sim(port, "do", "public-board", "cut-wire", "point=2")).exit_code == 0
    assert board.board.input(2).state is InputState.CUT
    assert (await secd_sim(port, "do", "public-cable", "cut", "how=refused")).exit_code == 0
    assert '"cut": "refused"' in (await secd_sim(port, "state", "public-cable")).output
    assert (await secd_sim(port, "panic", "press", "panic-panel", "3", "--ms", "0", "--times", "3")).exit_code == 0
    panel.now()
    assert panel.board.input(3).activations == 3


async def test_what_can_be_done_is_listed_with_its_arguments(port: int) -> None:
    listed = (await secd_sim(port, "actions")).output
    assert "  walk_through door=string [open_s=1.0]" in listed
    assert "  tamper [is_open=True]" in listed
    assert "public-cable" not in (await secd_sim(port, "actions", "public-board")).output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("do", "nobody", "cut"), 2, "there are: panic-panel, public-board, public-cable"),
        (("do", "public-board", "fly"), 2, "it can battery, bounce"),
        (("do", "public-board", "walk_through", "door=9"), 5, "no door '9' here; there are: 1, 2"),
        (("do", "public-board", "cut_wire", "point=x"), 2, "point: Input should be a valid integer"),
        (("do", "public-board", "cut_wire", "point"), 2, "write KEY=VALUE"),
        (("state", "nobody"), 2, "there are: panic-panel"),
        (("door", "present-card", "public-board", "1"), 2, "--number"),
        (("door", "present-card", "public-board", "1", "--number", "1", "--facility", "999"), 2, "facility"),
        (("state", "--control", "1"), 4, "no simulators at 127.0.0.1:1"),
    ],
)
async def test_a_mistake_says_what_would_be_right(port: int, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = await secd_sim(port, *arguments)
    assert result.exit_code == code, result.output
    assert said in result.output


def test_every_command_of_the_table_can_be_called_and_is_listed_without_importing_it() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for name in COMMANDS:
        assert name in listed
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize(("kind", "product"), [("door", wire.DOOR_CONTROLLER), ("panic", PANIC_PANEL)])
async def test_it_serves_a_board_until_it_is_told_to_stop(kind: str, product: int, unused_tcp_port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from simulators.cli import main; main()", kind, "serve", "--control", str(unused_tcp_port),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            assert process.stdout is not None
            said = (await process.stdout.readline()).decode()
            modbus = re.search(r"tcp://127\.0\.0\.1:(\d+)", said)
            assert modbus is not None, said
            client = AsyncModbusTcpClient("127.0.0.1", port=int(modbus[1]), timeout=5, retries=0)
            assert await client.connect()
            assert (await client.read_input_registers(0, count=1)).registers == [product]
            client.close()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
