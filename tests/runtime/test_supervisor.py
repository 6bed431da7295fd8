"""The supervisor: it restarts what may be restarted, says when something it cannot do without ended, stops everything."""

import asyncio
import logging
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from secd.model.errors import Fault
from secd.runtime.backoff import Backoff
from secd.runtime.clock import ManualClock
from secd.runtime.supervisor import STEADY_S, Supervisor, contain

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_failed_task_is_started_again_after_its_back_off() -> None:
    clock = ManualClock(START)
    supervisor = Supervisor(clock)
    starts: list[float] = []

    async def work() -> None:
        starts.append(clock.now().mono_s)
        if len(starts) < 4:
            raise OSError("no route")
        await asyncio.Event().wait()

    supervisor.run("delivery", work, restart=Backoff(base_s=1, cap_s=8))
    await clock.advance(30)
    assert len(starts) == 4
    waits = [later - sooner for sooner, later in pairwise(starts)]
    assert all(wait <= 2.0**n for n, wait in enumerate(waits))
    assert not supervisor.failed.done()
    await supervisor.stop()


async def test_task_that_ran_steadily_before_it_failed_starts_its_back_off_anew() -> None:
    clock = ManualClock(START)
    supervisor = Supervisor(clock)
    backoff = Backoff(base_s=1, cap_s=1024)
    for _ in range(10):
        backoff.next_wait_s()
    starts: list[float] = []

    async def work() -> None:
        starts.append(clock.now().mono_s)
        await clock.wait_until(clock.now().mono_s + STEADY_S)
        raise OSError("the broker closed")

    supervisor.run("delivery", work, restart=backoff)
    await clock.advance(STEADY_S + 1)
    assert len(starts) == 2
    await supervisor.stop()


async def test_failure_of_a_task_secd_cannot_do_without_is_told(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(ManualClock(START))

    async def work() -> None:
        raise Fault("a mailbox lost its order")

    supervisor.run("engine", work)
    async with asyncio.timeout(5):
        error = await supervisor.failed
    assert isinstance(error, Fault)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


async def test_two_tasks_of_one_name_are_refused() -> None:
    supervisor = Supervisor(ManualClock(START))
    supervisor.run("engine", forever)
    with pytest.raises(Fault, match="engine"):
        supervisor.run("engine", forever)
    await supervisor.stop()


async def test_tasks_stop_last_in_first_out() -> None:
    supervisor = Supervisor(ManualClock(START))
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    for name in ("store", "engine", "api"):
        supervisor.run(name, lambda name=name: work(name))  # type: ignore[misc]
    await asyncio.sleep(0)
    await supervisor.stop()
    assert ended == ["api", "engine", "store"]
    assert supervisor.names() == ()


async def test_cancel_ends_the_named_tasks_only_and_their_names_are_free_again() -> None:
    supervisor = Supervisor(ManualClock(START))

    for name in ("a", "b", "c"):
        supervisor.run(name, forever)
    await supervisor.cancel("a", "c", "never-started")
    assert supervisor.names() == ("b",)
    supervisor.run("a", forever)
    await supervisor.stop()


async def test_short_work_stopped_before_its_first_step_leaves_nothing_unawaited() -> None:
    supervisor = Supervisor(ManualClock(START))
    began: list[str] = []

    async def work() -> None:
        began.append("work")

    task = supervisor.start("release", work())
    await supervisor.stop()
    assert task.cancelled()
    assert began == []


async def test_task_may_ask_for_the_end_of_everything_without_waiting_for_itself() -> None:
    supervisor = Supervisor(ManualClock(START))
    stopped = asyncio.Event()

    async def last() -> None:
        await supervisor.stop()
        stopped.set()

    supervisor.run("link", forever)
    supervisor.run("stopper", last)
    async with asyncio.timeout(5):
        await stopped.wait()
    assert "link" not in supervisor.names()


async def test_contained_work_answers_with_its_value_or_its_exception_and_lets_cancellation_pass() -> None:
    async def good() -> int:
        return 7

    async def bad() -> int:
        raise ZeroDivisionError("of all things")

    assert await contain(good()) == 7
    assert isinstance(await contain(bad()), ZeroDivisionError)
    task = asyncio.create_task(contain(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("error", [None, OSError("it ended otherwise")])
async def test_cancellation_that_contained_work_lost_is_raised_all_the_same(error: OSError | None) -> None:
    async def loses_it() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if error is not None:
                raise error from None
        return "as if nothing had been"

    task = asyncio.create_task(contain(loses_it()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_deadline_that_contained_work_lost_is_a_time_out_all_the_same() -> None:
    async def loses_it() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await contain(loses_it())


async def test_tidying_up_after_a_cancellation_may_contain_failures_too() -> None:
    tidied: list[object] = []

    async def fail() -> None:
        raise OSError("already closed")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(await contain(fail()))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert [str(error) for error in tidied] == ["already closed"]
    assert task.cancelled()


@pytest.mark.parametrize("restart", [None, Backoff()])
async def test_task_that_loses_its_cancellation_ends_and_is_not_taken_for_a_failure(restart: Backoff | None) -> None:
    supervisor = Supervisor(ManualClock(START))

    async def loses_it() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("it ended otherwise") from None

    task = supervisor.run("link", loses_it, restart=restart)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(4):
        await supervisor.stop()
    assert task.cancelled()
    assert not supervisor.failed.done()
