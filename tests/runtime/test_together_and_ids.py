"""Pieces of work run as one; identifiers sort by time and never go back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from secd.runtime.clock import ManualClock
from secd.runtime.ids import UlidSource, encode_ulid
from secd.runtime.supervisor import Supervisor

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


async def forever() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    return


async def test_first_failure_ends_the_others_and_is_raised_as_it_is() -> None:
    supervisor = Supervisor(ManualClock(START))

    async def fail() -> None:
        raise OSError("the broker closed")

    async with asyncio.timeout(5):
        with pytest.raises(OSError, match="the broker closed"):
            await supervisor.together(reads=forever(), writes=fail())
    assert not supervisor.failed.done()


async def test_works_that_end_by_themselves_end_the_whole() -> None:
    async with asyncio.timeout(5):
        await Supervisor(ManualClock(START)).together(one=nothing(), two=nothing())


async def test_cancelled_whole_cancels_every_part() -> None:
    supervisor = Supervisor(ManualClock(START))
    ended: list[str] = []

    async def part(name: str) -> None:
        try:
            await forever()
        finally:
            ended.append(name)

    whole = asyncio.create_task(supervisor.together(one=part("one"), two=part("two")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    whole.cancel()
    await asyncio.wait({whole})
    assert whole.cancelled()
    assert sorted(ended) == ["one", "two"]


def test_identifiers_of_one_millisecond_sort_in_the_order_they_were_made() -> None:
    ids = UlidSource()
    made = [ids.new(START) for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert all(len(one) == 26 for one in made)


def test_identifiers_never_go_back_when_the_wall_clock_does() -> None:
    ids = UlidSource()
    later = ids.new(START)
    assert ids.new(START - timedelta(hours=2)) > later


def test_identifier_spells_128_bits_in_crockfords_base_32() -> None:
    assert encode_ulid(0) == "0" * 26
    assert encode_ulid(2**128 - 1) == "7" + "Z" * 25
