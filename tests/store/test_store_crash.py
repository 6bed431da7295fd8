"""kill -9 at any moment, and two daemons on one store."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from store_entries import an_entry, opened, settled

from secd.model.errors import StoreFailed
from secd.model.event import Stream
from secd.store import EventFilter

CHILD = [sys.executable, str(Path(__file__).with_name("store_writing_child.py"))]
ROUNDS, ACKNOWLEDGED_PER_ROUND = 8, 120


def start_child(path: Path, *, producers: int = 16, crash_at: str = "") -> "subprocess.Popen[str]":
    environ = os.environ | {"SECD_CRASH_AT": crash_at}
    return subprocess.Popen([*CHILD, str(path), str(producers)], stdout=subprocess.PIPE, text=True, env=environ)


def acknowledged_until_killed(path: Path, count: int) -> dict[str, int]:
    """What the child was told is durable, up to the moment it was killed."""
    with start_child(path) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(count)]
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return dict(whole)


async def test_what_was_acknowledged_survives_kill_9_once_and_without_gaps(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "events.db", {}
    for _ in range(ROUNDS):
        acknowledged.update(acknowledged_until_killed(path, ACKNOWLEDGED_PER_ROUND))
    async with opened(path) as store:
        stored: dict[str, int] = {}
        while rows := await store.find_events(EventFilter(after_seq=len(stored), newest_first=False, limit=10_000)):
            assert [row.seq for row in rows] == list(range(len(stored) + 1, len(stored) + len(rows) + 1))
            stored.update({row.event.id: row.seq for row in rows})
        assert len(stored) == store.last_seq
        [after] = await settled(store.append(an_entry()))
        marks = store.marks()
    assert len(acknowledged) >= ROUNDS * ACKNOWLEDGED_PER_ROUND
    assert acknowledged.items() <= stored.items()
    assert after == len(stored) + 1
    assert sum(marks.values()) == after
    assert marks[Stream.ALARM] > 0


async def test_a_second_daemon_is_told_who_holds_the_store(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with start_child(path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(StoreFailed, match=f"process {child.pid}, started 2026.*store_writing_child"):
            async with opened(path):
                pass
        child.kill()
        child.stdout.read()
    async with opened(path) as store:
        assert store.last_seq > 0


@pytest.mark.parametrize(("crash_at", "stored"), [("committing:5", 4), ("committed:5", 5)])
async def test_a_daemon_killed_at_a_commit_stored_all_of_an_entry_or_nothing(
    tmp_path: Path, crash_at: str, stored: int
) -> None:
    path = tmp_path / "events.db"
    with start_child(path, producers=1, crash_at=crash_at) as child:
        assert child.stdout is not None
        acknowledged = child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    async with opened(path) as store:
        entries = await store.entries(1)
        alarms = await store.open_alarms()
    assert len(acknowledged) == 4
    assert [len(entry.findings) for entry in entries] == [1] * stored
    assert alarms[0].cause == entries[-1].event.id
