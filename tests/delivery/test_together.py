"""Pieces of work that stand and fall as one."""

import asyncio
from datetime import UTC, datetime

import pytest

from secd.model.errors import LinkLost
from secd.runtime.clock import ManualClock
from secd.runtime.supervisor import Supervisor


async def forever(ended: list[str], name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(name)


async def fail() -> None:
    raise LinkLost("one of them failed")


async def test_the_first_failure_ends_the_others_and_is_raised_as_it_is() -> None:
    ended: list[str] = []
    supervisor = Supervisor(ManualClock(datetime.now(UTC)))
    with pytest.raises(LinkLost, match="one of them"):
        await supervisor.together(a=forever(ended, "a"), b=forever(ended, "b"), c=fail())
    assert sorted(ended) == ["a", "b"]


async def test_a_cancellation_reaches_them_all() -> None:
    ended: list[str] = []
    supervisor = Supervisor(ManualClock(datetime.now(UTC)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await supervisor.together(a=forever(ended, "a"), b=forever(ended, "b"))
    assert ended in ([], ["a", "b"], ["b", "a"])
