"""S12: a silent press reaches the station, and nothing on the premises shows it to who may not see it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.commands import command_as
from tests.app.conftest import Guard, Guarded

CAPTAIN_UID = 1000
OPERATORS = """
operators:
  demonstrator: {uid: 0, roles: [administrator]}
  duty-captain: {uid: 1000, roles: [operator]}
roles:
  administrator: {may: [see, see_silent, command_doors, acknowledge, administer]}
  operator:      {may: [see, command_doors, acknowledge]}
"""
PASSES_BY_ITSELF = {"panic.checked_in", "station.found", "station.lost"}


class Manager:
    """systemd's side: every STATUS line it was told."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0)

    def lines(self) -> set[str]:
        """The different STATUS lines since the last call."""
        return {words for words in self._words() if words.startswith("STATUS=")}

    async def another_line(self) -> str:
        """The next STATUS line."""
        self.lines()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            while not (words := (await loop.sock_recv(self._socket, 4096)).decode()).startswith("STATUS="):
                continue
        return words

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def _words(self) -> Iterator[str]:
        while True:
            try:
                yield self._socket.recv(4096).decode()
            except BlockingIOError:
                return


async def as_captain(site: Guarded, *words: str) -> str:
    code, printed = await command_as(CAPTAIN_UID, site.daemon.socket, *words)
    assert code == 0, printed
    return printed


def metrics_of(site: Guarded) -> str:
    """What /v1/metrics tells, without what moves by itself: the time commits took."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(site.daemon.socket))
        line.sendall(b"GET /v1/metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert "secd_events_total" in text
    return "\n".join(row for row in text.splitlines() if "secd_job_runs" not in row and "Date:" not in row)


async def shown(site: Guarded) -> dict[str, Any]:
    """Everything the captain can look at, and what the building shows."""
    status = json.loads(await as_captain(site, "status", "--json"))
    devices = json.loads(await as_captain(site, "doors", "list", "--json"))
    events = [json.loads(line) for line in (await as_captain(site, "events", "--json", "--limit", "1000")).splitlines()]
    boards = [board.state() for board in (site.house.public_board, site.house.secure_board)]
    return {
        "status": {key: value for key, value in status.items() if key != "time"},
        "screen": await as_captain(site, "status"),
        "alarms": await as_captain(site, "alarms", "list", "--all"),
        "doors": devices,
        "events": [event for event in events if event["kind"] not in PASSES_BY_ITSELF],
        "log": site.daemon.log.read_text(),
        "metrics": metrics_of(site),
        "relays": [board["relays"] for board in boards],
        "leds": [str(board["signals"]) for board in boards],
    }


async def alarm_at_station(site: Guarded, point: str) -> None:
    mark, station = site.witness.mark(), site.house.station
    await site.witness.event("panic.activated", point, after=mark)
    async with asyncio.timeout(10):
        await station.until(lambda: any(alarm["point"] == point for alarm in station.ledger.alarms.values()))
    await site.witness.event("alarm.received", after=mark)
    await site.witness.event("panic.restored", point, after=mark)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with contextlib.closing(Manager(tmp_path / "notify")) as manager:
        yield manager


@pytest.mark.needs("root")
async def test_s12_silent_press_changes_nothing_that_is_shown_on_the_premises(
    guard: Guard, manager: Manager, tmp_path: Path
) -> None:
    async with guard(start=False, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        for door in ("front-entrance", "east-entrance"):
            await site.witness.event("door.closed", door)
        await site.house.public_board.until(lambda: site.house.public_board.is_unlocked("1"))
        await site.witness.event("door.lock_energised", "front-entrance")
        before = await shown(site)
        line_before = await manager.another_line()

        mark = site.witness.mark()
        site.house.panel.press(1)
        await alarm_at_station(site, "bench-a")
        await site.witness.event("camera.snapshot_taken", after=mark)
        alarm = json.loads((await site.daemon.command("alarms", "list", "--json"))[1])["alarms"][0]
        assert (alarm["point"], alarm["silent"]) == ("bench-a", True)
        while_open = await shown(site)
        assert manager.lines() | {await manager.another_line()} == {line_before}
        assert (await site.daemon.command("alarms", "ack", alarm["id"], "--note", "two deputies sent"))[0] == 0
        await site.witness.event("alarm.acknowledged", after=mark)
        silent_ids = {event["id"] for event in site.witness.seen if event["seq"] > mark}

        after = await shown(site)
        for what, told in before.items():
            assert while_open[what] == after[what] == told, what
        assert manager.lines() | {await manager.another_line()} == {line_before}
        assert all("seq" not in event for event in after["events"]), "gaps in numbers would tell"
        assert not silent_ids & {event["id"] for event in after["events"]}
        code, printed = await command_as(CAPTAIN_UID, site.daemon.socket, "events", "--after-seq", str(mark))
        assert (code, "see_silent" in printed) == (2, True), printed

        site.house.panel.press(3)  # the same, aloud: what would have been seen
        await alarm_at_station(site, "probation-desk")
        aloud = await shown(site)
        different = {what for what in before if aloud[what] != before[what]}
        assert {"status", "screen", "alarms", "events"} <= different
        assert {"relays", "leds", "log"}.isdisjoint(different)
