"""Housekeeping: chores run at their intervals on the real scheduler; a failing or hanging one stops no other."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from secd.jobs.housekeeping import Chore, Housekeeping
from secd.runtime.clock import SystemClock
from secd.runtime.supervisor import Supervisor


class Runs:
    """What ended, and a wait for it."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, bool]] = []
        self._happened = asyncio.Event()

    def note(self, name: str, failed: bool) -> None:
        self.ended.append((name, failed))
        self._happened.set()

    async def until(self, *wanted: tuple[str, bool], count: int = 1) -> None:
        async with asyncio.timeout(10):
            while not set(wanted) <= set(self.ended) or len(self.ended) < count:
                self._happened.clear()
                await self._happened.wait()


def chore(name: str, work: object, *, every_s: float = 0.01, within_s: float = 5.0) -> Chore:
    return Chore(name=name, every_s=every_s, first_after_s=0.0, within_s=within_s, work=work)  # type: ignore[arg-type]


@asynccontextmanager
async def housekeeping(*chores: Chore) -> AsyncIterator[Runs]:
    clock, runs = SystemClock(), Runs()
    supervisor = Supervisor(clock)
    supervisor.run("housekeeping", Housekeeping(chores, runs.note).run)
    try:
        yield runs
    finally:
        await supervisor.stop()
        assert not supervisor.failed.done()


async def nothing() -> None:
    return


async def test_chore_runs_again_and_again_at_its_interval() -> None:
    async with housekeeping(chore("prune sealed reads", nothing)) as runs:
        await runs.until(count=3)
    assert set(runs.ended) == {("prune sealed reads", False)}


async def test_failing_chore_is_logged_and_counted_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise OSError("disk full")

    with caplog.at_level(logging.ERROR, logger="secd"):
        async with housekeeping(chore("backup", fail, every_s=3600), chore("prune", nothing)) as runs:
            await runs.until(("backup", True), ("prune", False))
    failures = [record for record in caplog.records if record.name.startswith("secd.")]
    assert [(record.getMessage(), vars(record)["chore"]) for record in failures] == [("a chore failed", "backup")]


async def test_chore_that_hangs_ends_at_its_deadline_and_never_overlaps_itself() -> None:
    at_once = 0
    at_once_max = 0

    async def hang() -> None:
        nonlocal at_once, at_once_max
        at_once += 1
        at_once_max = max(at_once_max, at_once)
        try:
            await asyncio.Event().wait()
        finally:
            at_once -= 1

    async with housekeeping(chore("digest", hang, within_s=0.1)) as runs:
        await runs.until(("digest", True))
    assert at_once_max == 1


async def test_stop_cancels_the_chore_that_runs() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with housekeeping(chore("backup", work)) as runs:
        async with asyncio.timeout(10):
            await began.wait()
    async with asyncio.timeout(10):
        await ended.wait()
    assert runs.ended == []
