"""`secd devices add --probe` and `secd devices watch`: what an integrator sees of a board, and what is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from simulators.demo.daemon import program
from simulators.demo.site import copy_site
from simulators.door_controller.controller import DoorController
from simulators.panic_panel.panel import PanicPanel
from tests.app.commands import secd
from tests.commission.conftest import Guard, Guarded
from tests.guarded import CONFIG

WATCHED_S_MAX = 15.0
READING = {1, 2, 3, 4}
"""Modbus functions that change nothing."""


async def probe(address: str, *words: str) -> tuple[int, str]:
    """Probe an address where no daemon runs."""
    return await secd("devices", "add", "--probe", address, "--no-daemon", *words)


@asynccontextmanager
async def tapped(port: int) -> AsyncIterator[tuple[int, set[int]]]:
    """A port that leads to the board's, and every Modbus function that was asked for there."""
    functions: set[int] = set()

    async def carry(asked: asyncio.StreamReader, answered: asyncio.StreamWriter) -> None:
        board_says, board = await asyncio.open_connection("127.0.0.1", port)
        try:
            while header := await asked.read(7):
                pdu = await asked.readexactly(int.from_bytes(header[4:6], "big") - 1)
                functions.add(pdu[0])
                board.write(header + pdu)
                answered.write(await board_says.read(260))
        finally:
            for writer in (board, answered):
                writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], functions


async def test_a_board_of_ours_is_recognised_by_its_words_and_only_read() -> None:
    async with DoorController() as board, tapped(board.port) as (port, functions):
        code, printed = await probe(f"tcp://127.0.0.1:{port}", "--name", "acp-3")
        assert code == 0, printed
        assert (
            printed.splitlines()[0]
            == "secd-door-controller: secd door controller, register map 1.0, 4 relays, 4 readers"
        )
        address = f"address: tcp://127.0.0.1:{port}"
        assert printed.endswith(f"devices:\n  acp-3: {{driver: modbus_io, profile: secd-door-controller, {address}}}\n")
        assert functions
        assert functions <= READING


async def test_an_input_is_shown_as_it_is_now() -> None:
    async with PanicPanel() as panel:
        panel.cut_wire(5)
        code, printed = await probe(f"tcp://127.0.0.1:{panel.port}/1", "--json")
        told = json.loads(printed)
        assert (code, told["candidates"][0]["profile"], told["candidates"][0]["proven"]) == (
            0,
            "secd-panic-panel",
            True,
        )
        assert "input/5 cut" in told["candidates"][0]["inputs"]


async def test_a_wrong_unit_is_said_with_the_unit_that_answers() -> None:
    async with DoorController(unit=3) as board:
        code, printed = await probe(f"tcp://127.0.0.1:{board.port}/7")
        assert code == 1
        assert "unit 7 does not answer; unit 3 answers" in printed


async def test_nobody_there_and_something_that_is_not_modbus_are_each_a_clear_line() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        code, printed = await probe(f"tcp://127.0.0.1:{port}")
        assert code == 1
        assert "does not speak Modbus as unit 1" in printed
    code, printed = await probe(f"tcp://127.0.0.1:{port}")
    assert code == 1
    assert "nobody answers at modbus://127.0.0.1:" in printed
    assert (await probe("http://127.0.0.1"))[0] == 2


async def test_a_device_is_added_to_a_site_file_only_while_the_site_stays_free_of_mistakes(tmp_path: Path) -> None:
    site = copy_site(CONFIG, tmp_path / "site", free_ports=True)
    file = site.directory / "devices.yaml"
    async with DoorController() as board:
        before = file.read_text()
        address = f"tcp://127.0.0.1:{board.port}"
        code, printed = await probe(address, "--name", "public-board", "--write", str(file))
        assert (code, file.read_text()) == (1, before), printed
        assert "is as it was" in printed
        code, printed = await probe(address, "--name", "acp-3", "--write", str(file))
        assert code == 0, printed
        assert (await secd("check", str(site.directory)))[0] == 0
        assert f"acp-3: {{driver: modbus_io, profile: secd-door-controller, address: {address}}}" in file.read_text()


async def test_an_address_that_the_running_site_uses_is_refused_and_its_points_are_watched_instead(
    guard: Guard,
) -> None:
    async with guard() as site:
        port = site.site.ports["public-board"]
        probing = ("devices", "add", "--probe", f"tcp://127.0.0.1:{port}")
        code, printed = await site.daemon.command(*probing)
        assert (code, "the running site uses it for public-board" in printed) == (5, True)
        shown = await watched(site)
        assert shown["input/3"]["placed"] == "contact of east-entrance"
        assert (shown["input/7"]["placed"], shown["input/7"]["raw"]) == ("", "active")
        code, printed = await site.daemon.command("devices", "watch", "no-such-board")
        assert (code, "there is no device no-such-board" in printed) == (5, True)


async def watched(site: Guarded) -> dict[str, dict[str, object]]:
    """The points of the public board, until an input that nothing names has moved."""
    process = await asyncio.create_subprocess_exec(
        str(program("secd")), "devices", "watch", "public-board", "--json", "--socket", str(site.daemon.socket),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    points: dict[str, dict[str, object]] = {}
    async with asyncio.timeout(WATCHED_S_MAX):
        while points.get("input/7", {}).get("raw") != "active":
            told = json.loads(await process.stdout.readline())
            points |= {point["point"]: point for point in told["points"]}
            site.house.public_board.board.drive(7, site.house.public_board.now(), active=True)
    process.terminate()
    await process.wait()
    return points
