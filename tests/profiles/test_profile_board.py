"""The simulated board of any profile by itself: quirks a board may have, the control interface and the command line."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from secd.config.modbus.load import SHIPPED, load_profiles, shipped_profile
from secd.model.secret import CardBits
from simulators.control import Control, ControlError, call_control
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.tables import Quirks

QUIRKS_FILE = Path(__file__).parent / "quirks.yaml"
QUIRKS = load_profiles(QUIRKS_FILE)
LISTENS_S_MAX = 30.0


def asked(board: ProfileBoard, request: str) -> str:
    """Request and answer in hexadecimal, from the function code on."""
    return board.answer(bytes.fromhex(request)).hex()


def test_a_relay_pulses_for_the_time_in_the_coil_s_value() -> None:
    at = 0.0
    board = ProfileBoard(shipped_profile("waveshare-relay-8di8ro"), monotonic=lambda: at)
    assert asked(board, "0502000007") == "0502000007"
    assert asked(board, "0100000008") == "010101"
    at = 0.71
    assert asked(board, "0100000008") == "010100"


def test_the_value_5500_toggles_only_on_boards_that_know_it() -> None:
    profile = shipped_profile("waveshare-relay-8di8ro")
    assert asked(ProfileBoard(profile), "0500015500") == "8503"
    board = ProfileBoard(profile, quirks=Quirks(toggle=True))
    asked(board, "0500015500")
    assert board.electronics.relay(2).coil
    asked(board, "0500015500")
    assert not board.electronics.relay(2).coil


def test_addresses_that_the_profile_does_not_name_are_declined() -> None:
    board = ProfileBoard(shipped_profile("moxa-iologik-e1214"))
    assert asked(board, "0200000007") == "8202"
    assert asked(board, "0300000001") == "8302"
    assert asked(board, "0500400000") == "8502"
    assert asked(board, "2b0e0100") == "ab01"


def test_a_board_without_fc15_and_fc16_says_so() -> None:
    assert asked(ProfileBoard(QUIRKS["locking-board"]), "0f0000000401ff") == "8f01"


def test_a_counter_has_its_words_in_the_order_of_its_profile() -> None:
    for name, first in (
        ("advantech-adam-6060", "03000000020400020001"),
        ("moxa-iologik-e1214", "04001000020400010002"),
    ):
        board = ProfileBoard(shipped_profile(name))
        board.electronics.counted[0] = 0x0001_0002
        request, answer = first[:10], first[:2] + first[10:]
        assert asked(board, request) == answer


def test_a_locked_board_refuses_outputs_until_it_is_cleared() -> None:
    at = 0.0
    board = ProfileBoard(QUIRKS["locking-board"], monotonic=lambda: at)
    asked(board, "0600700005")
    at = 6.0
    assert asked(board, "0600100000") == "8604"
    asked(board, "050081ff00")
    assert asked(board, "0600100000") == "0600100000"
    assert board.electronics.relay(1).coil, "its relays are energised by 0"


def test_a_reader_with_a_flag_takes_no_card_until_it_is_cleared() -> None:
    board = ProfileBoard(shipped_profile("inveo-rfid-ind-m1"))
    assert board.present_card(CardBits(bit_count=32, value=7))
    assert not board.present_card(CardBits(bit_count=32, value=8))
    asked(board, "0503f80000")
    assert board.present_card(CardBits(bit_count=32, value=9))


def test_our_own_boards_have_simulators_of_their_own() -> None:
    with pytest.raises(ValueError, match="secd-sim door"):
        ProfileBoard(shipped_profile("secd-door-controller"))


async def test_the_control_interface_drives_it() -> None:
    async with ProfileBoard(shipped_profile("inveo-rfid-ind-m1"), name="reader") as board:
        control = Control([board])
        assert await control.do("reader", "present_card", {"bits": "10110"}) is True
        await control.do("reader", "close_contact", {"point": 2})
        state = control.state()["reader"]
        assert state["reader"]["card_waits"]
        assert state["inputs"]["2"]["state"] == "active"
        with pytest.raises(ControlError, match="there is no input 3"):
            await control.do("reader", "press", {"point": 3})


@pytest.mark.parametrize(
    ("arguments", "input_1"),
    [(["waveshare-relay-8di8ro"], "discrete"), (["blind-board", "--file", str(QUIRKS_FILE)], "coil")],
)
async def test_a_board_is_served_from_the_command_line(
    arguments: list[str], input_1: str, unused_tcp_port: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from simulators.cli import main; main()", "board", "serve", *arguments,
        "--control", str(unused_tcp_port), stdout=PIPE, stderr=STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(LISTENS_S_MAX):
            said = (await process.stdout.readline()).decode()
            port = re.search(r"tcp://127\.0\.0\.1:(\d+)", said)
            assert port is not None, said
            client = AsyncModbusTcpClient("127.0.0.1", port=int(port[1]), timeout=5, retries=0, reconnect_delay=0)
            assert await client.connect()
            await asyncio.to_thread(call_control, "/board/close_contact", {"point": 1}, port=unused_tcp_port)
            read = client.read_discrete_inputs(0) if input_1 == "discrete" else client.read_coils(32)
            assert (await read).bits[0]
            client.close()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_profile_that_is_none_is_a_usage_error_that_names_those_there_are() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from simulators.cli import main; main()", "board", "serve", "nothing",
        stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 2
    assert all(name in output.decode() for name in SHIPPED)
