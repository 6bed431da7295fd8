"""Time: the manual clock goes deadline by deadline; the system clock keeps its own count and distrusts a jump (S10)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from secd.model.time import Instant
from secd.runtime.clock import (
    STEP_TRUSTED_S_MAX,
    AnswerDeadline,
    ManualClock,
    Quiescence,
    SystemClock,
    local_now,
    process_age_s,
    wait_for,
    wall_from,
)

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


class Hands:
    """A wall clock and a monotonic clock that a test moves, together or apart."""

    def __init__(self, wall_s: float = START.timestamp()) -> None:
        self.wall_s = wall_s
        self.mono_s = 1000.0

    def both(self, seconds: float) -> None:
        self.wall_s += seconds
        self.mono_s += seconds

    def clock(self, *, last: Instant | None = None, synchronised: bool = True) -> SystemClock:
        return SystemClock(
            last=last, synchronised=synchronised, wall=lambda: self.wall_s, monotonic=lambda: self.mono_s
        )


def test_system_clock_follows_a_small_wall_correction_and_stays_trusted() -> None:
    hands = Hands()
    clock = hands.clock()
    before = clock.now()
    hands.both(10)
    hands.wall_s += 2
    after = clock.now()
    assert after.trusted
    assert after.utc - before.utc == timedelta(seconds=12)
    assert after.mono_s - before.mono_s == pytest.approx(10)


@pytest.mark.parametrize("step_s", [STEP_TRUSTED_S_MAX + 1, -STEP_TRUSTED_S_MAX - 1, 86400 * 365, -86400 * 365])
def test_s10_wall_step_over_sixty_seconds_ends_trust_and_time_goes_on_by_monotonic(step_s: float) -> None:
    hands = Hands()
    clock = hands.clock()
    before = clock.now()
    hands.both(5)
    hands.wall_s += step_s
    after = clock.now()
    assert not after.trusted
    assert after.utc - before.utc == timedelta(seconds=5)
    assert after.mono_s - before.mono_s == pytest.approx(5)


def test_s10_trust_does_not_return_by_itself_when_the_wall_clock_steps_back() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_s += 3600
    assert not clock.now().trusted
    hands.wall_s -= 3600
    assert not clock.now().trusted


def test_s10_accepted_wall_clock_is_believed_again_and_the_second_count_does_not_jump() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.both(5)
    hands.wall_s += 3600
    before = clock.now()
    clock.accept_wall()
    after = clock.now()
    assert after.trusted
    assert after.utc == datetime.fromtimestamp(hands.wall_s, UTC)
    assert after.mono_s == before.mono_s


def test_s10_never_synchronised_clock_is_not_trusted_from_the_start() -> None:
    assert not Hands().clock(synchronised=False).now().trusted


def test_second_count_carries_over_a_restart_by_the_wall_time_that_passed() -> None:
    hands = Hands()
    last = hands.clock().now()
    hands.mono_s = 3.0  # the machine booted: its monotonic clock began anew
    hands.wall_s += 90
    assert hands.clock(last=last).now().mono_s - last.mono_s == pytest.approx(90)


def test_s10_wall_clock_earlier_than_the_last_event_is_not_trusted_and_nothing_goes_back() -> None:
    hands = Hands()
    last = hands.clock().now()
    hands.wall_s -= 7200
    clock = hands.clock(last=last)
    first = clock.now()
    assert not first.trusted
    assert first.utc == last.utc
    assert first.mono_s == last.mono_s
    hands.both(30)
    assert clock.now().utc - last.utc == timedelta(seconds=30)
    assert clock.now().mono_s - last.mono_s == pytest.approx(30)


def test_wall_clock_of_a_simulated_site_showed_its_moment_when_the_process_was_started() -> None:
    clock = SystemClock(wall=wall_from(START))
    assert (clock.now().utc - START).total_seconds() == pytest.approx(process_age_s(), abs=1.0)
    assert clock.now().trusted


def test_now_of_a_person_is_aware() -> None:
    assert local_now().utcoffset() is not None


async def test_system_clock_waits_until_its_own_count_has_come() -> None:
    clock = SystemClock()
    due_mono_s = clock.now().mono_s + 0.01
    async with asyncio.timeout(5):
        await clock.wait_until(due_mono_s)
    assert clock.now().mono_s >= due_mono_s


async def test_manual_clock_stops_at_every_deadline_on_the_way() -> None:
    clock = ManualClock(START)
    seen: list[float] = []

    async def note_every(seconds: float) -> None:
        for _ in range(3):
            await wait_for(clock, seconds)
            seen.append(clock.now().mono_s - START.timestamp())

    tasks = [asyncio.create_task(note_every(seconds)) for seconds in (2.0, 3.0)]
    await clock.advance(9)
    await asyncio.gather(*tasks)
    assert seen == [2, 3, 4, 6, 6, 9]


async def test_manual_clock_lets_work_in_flight_settle_before_it_moves_on() -> None:
    quiescence = Quiescence()
    clock = ManualClock(START, quiescence=quiescence)
    answered = asyncio.Event()
    seen: list[float] = []

    async def work() -> None:
        await clock.wait_until(START.timestamp() + 1)
        quiescence.begin()
        asyncio.get_running_loop().call_later(0.02, answered.set)
        await answered.wait()
        seen.append(clock.now().mono_s - START.timestamp())
        quiescence.end()

    task = asyncio.create_task(work())
    await clock.advance(60)
    await task
    assert seen == [1]


async def test_manual_clock_steps_the_wall_without_the_second_count() -> None:
    clock = ManualClock(START)
    clock.step_wall(-7200, trusted=False)
    now = clock.now()
    assert now.utc == START - timedelta(hours=2)
    assert now.mono_s == START.timestamp()
    assert not now.trusted


async def test_wait_for_a_past_moment_returns_at_once() -> None:
    await ManualClock(START).wait_until(START.timestamp() - 1)


async def test_cancelled_wait_does_not_disturb_the_others() -> None:
    clock = ManualClock(START)
    gone = asyncio.create_task(wait_for(clock, 1))
    kept = asyncio.create_task(wait_for(clock, 2))
    await clock.advance(0)
    gone.cancel()
    await clock.advance(2)
    assert kept.done()
    assert gone.cancelled()


# --- timers ----------------------------------------------------------------------------------------------------------


async def test_manual_timer_is_called_when_the_test_comes_to_it_and_not_before() -> None:
    clock = ManualClock(START)
    called: list[float] = []
    clock.call_at(START.timestamp() + 5, lambda: called.append(clock.now().mono_s - START.timestamp()))
    await clock.advance(4)
    assert called == []
    await clock.advance(4)
    assert called == [5]


async def test_cancelled_timer_is_never_called() -> None:
    clock = ManualClock(START)
    called: list[str] = []
    for due_s in (0.0, 5.0):
        clock.call_at(START.timestamp() + due_s, lambda: called.append("called"))()
    await clock.advance(60)
    assert called == []


@pytest.mark.parametrize("due_s", [-1.0, 0.0, 0.01])
async def test_system_timer_is_called_once_its_count_has_come(due_s: float) -> None:
    clock, called = SystemClock(), asyncio.Event()
    due_mono_s = clock.now().mono_s + due_s
    clock.call_at(due_mono_s, called.set)
    async with asyncio.timeout(5):
        await called.wait()
    assert clock.now().mono_s >= due_mono_s - 1e-3


def test_second_count_carries_on_when_the_store_is_opened_later() -> None:
    hands = Hands()
    last = hands.clock().now()
    hands.mono_s, hands.wall_s = 3.0, hands.wall_s + 90
    clock = hands.clock()
    clock.carry_on(last)
    assert clock.now().mono_s - last.mono_s == pytest.approx(90)
    hands.both(10)
    assert clock.now().mono_s - last.mono_s == pytest.approx(100)


async def test_answer_deadline_calls_once_when_it_passes_and_not_when_the_answer_came() -> None:
    missed: asyncio.Queue[str] = asyncio.Queue()
    answered = AnswerDeadline(lambda: missed.put_nowait("answered"))
    answered.set(0.01)
    answered.clear()
    forgotten = AnswerDeadline(lambda: missed.put_nowait("forgotten"))
    forgotten.set(0.01)
    async with asyncio.timeout(5):
        assert await missed.get() == "forgotten"
    assert missed.empty()


async def test_answer_deadline_that_is_moved_on_comes_at_its_last_setting() -> None:
    missed = asyncio.Event()
    deadline = AnswerDeadline(missed.set)
    deadline.set(0.001)
    deadline.set(3600.0)
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, later.set)
    async with asyncio.timeout(5):
        await later.wait()
    assert not missed.is_set()
    deadline.cancel()
