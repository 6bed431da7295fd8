"""The only room that reads time.

In: the system's clocks. Out: `Instant`s, and waits on the domain's own second count. I/O deadlines do not come here:
they run on the real loop (`asyncio.timeout`). Refuses to believe a wall clock that jumps (safety rule S10): while it is
untrusted, `utc` is the last trusted time plus the monotonic time since.
"""

import asyncio
import heapq
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol

from secd.model.time import Instant

STEP_TRUSTED_S_MAX = 60.0
WAIT_SLICE_S_MAX = 3600.0


class Clock(Protocol):
    """Time as secd's domain sees it."""

    def now(self) -> Instant:
        """This moment."""

    async def wait_until(self, mono_s: float) -> None:
        """Return once `now().mono_s >= mono_s`; at once if that is past."""

    def call_at(self, mono_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once `now().mono_s >= mono_s`; what is returned cancels it."""


def monotonic_us() -> int:
    """The machine's monotonic clock in microseconds, as systemd counts it; for nothing but telling systemd."""
    return time.monotonic_ns() // 1000


def local_now() -> datetime:
    """What a person at this machine calls now, in the machine's zone: for what people type and for chores, never for the domain."""
    return datetime.now(UTC).astimezone()


def wall_from(moment: datetime) -> Callable[[], float]:
    """A wall clock that showed `moment` (aware) when this process was started: for simulated sites, whose devices began
    with it. A start that takes long on a busy machine must not put secd behind them.
    """
    ahead_s = moment.timestamp() - (time.time() - process_age_s())
    return lambda: time.time() + ahead_s


def process_age_s() -> float:
    """Seconds since this process was started (proc(5), /proc/self/stat field 22, in clock ticks since boot)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)


async def wait_for(clock: Clock, seconds: float) -> None:
    """Wait a domain duration."""
    await clock.wait_until(clock.now().mono_s + seconds)


class SystemClock:
    """The real clock. `last` is the newest stored instant, so the second count never goes back over a restart.

    `wall` and `monotonic` exist so that a test can step one against the other.
    """

    def __init__(
        self,
        *,
        last: Instant | None = None,
        synchronised: bool = True,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._anchor_mono = monotonic()
        self._anchor_wall = wall()
        self._trusted = synchronised
        self._base_s = self._anchor_wall
        if last is not None:
            self.carry_on(last)

    def carry_on(self, last: Instant) -> None:
        """Continue from the newest stored instant: called once, when the store has been opened, before anything waits.

        A wall clock earlier than the last stored event is not believed (S10).
        """
        away_s = self._wall() - last.utc.timestamp()
        self._anchor_mono = self._monotonic()
        self._anchor_wall = self._wall()
        if away_s < 0:
            self._trusted = False
            self._anchor_wall = last.utc.timestamp()
        self._base_s = last.mono_s + max(0.0, away_s)

    def now(self) -> Instant:
        """This moment; small wall corrections are followed, a step over 60 s ends the trust."""
        elapsed_s = self._monotonic() - self._anchor_mono
        expected = self._anchor_wall + elapsed_s
        wall = self._wall()
        if self._trusted and abs(wall - expected) > STEP_TRUSTED_S_MAX:
            self._trusted = False
        if self._trusted:
            self._anchor_wall += wall - expected
        else:
            wall = expected
        return Instant(
            utc=datetime.fromtimestamp(wall, UTC), mono_s=round(self._base_s + elapsed_s, 6), trusted=self._trusted
        )

    def accept_wall(self) -> None:
        """Believe the wall clock again: it was synchronised, or an operator said so."""
        self._anchor_wall = self._wall() - (self._monotonic() - self._anchor_mono)
        self._trusted = True

    async def wait_until(self, mono_s: float) -> None:
        """Wait on the real loop until the second count reaches `mono_s`."""
        while (left_s := mono_s - self.now().mono_s) > 0:
            await asyncio.sleep(min(left_s, WAIT_SLICE_S_MAX))

    def call_at(self, mono_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        """A timer on the real loop."""
        left_s = max(0.0, mono_s - self.now().mono_s)
        return asyncio.get_running_loop().call_later(left_s, callback).cancel


class AnswerDeadline:
    """A deadline on the real loop that is set for every request and hardly ever comes: one timer serves many of them.

    `missed` is called once when it passes. `asyncio.timeout` is the rule; this is for what asks thousands of times a second.
    """

    def __init__(self, missed: Callable[[], None]) -> None:
        self._missed = missed
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Due in `seconds`, whatever was set before."""
        self._due = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def clear(self) -> None:
        """The answer came. The timer stays: the next request will need it."""
        self._due = None

    def cancel(self) -> None:
        """No request will follow."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._due = None
            self._missed()


class Quiescence:
    """Counts work in flight (queued inputs, appends, performs), so that a test knows when nothing more will happen."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """One more piece of work is under way."""
        self._in_flight += 1
        self._idle.clear()

    def end(self) -> None:
        """One piece of work is over."""
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    async def idle(self) -> None:
        """Return when nothing is in flight."""
        await self._idle.wait()


class ManualClock:
    """Time for tests: it moves only by `advance`, deadline by deadline, and lets all work settle in between."""

    def __init__(self, start: datetime, *, quiescence: Quiescence | None = None, settle_s_max: float = 10.0) -> None:
        self._utc = start.astimezone(UTC)
        self._mono_s = start.timestamp()
        self._trusted = True
        self._waits: list[tuple[float, int, asyncio.Future[None]]] = []
        self._tie = count()
        self._quiescence = quiescence
        self._settle_s_max = settle_s_max

    def now(self) -> Instant:
        """The moment the test has come to."""
        return Instant(utc=self._utc, mono_s=self._mono_s, trusted=self._trusted)

    async def wait_until(self, mono_s: float) -> None:
        """Wait for the test to advance this far."""
        if mono_s <= self._mono_s:
            return
        wait: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waits, (mono_s, next(self._tie), wait))
        await wait

    def call_at(self, mono_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        """A timer that the test's advance sets off; one that is due already runs on the next turn of the loop."""
        loop = asyncio.get_running_loop()
        if mono_s <= self._mono_s:
            return loop.call_soon(callback).cancel
        wait: asyncio.Future[None] = loop.create_future()
        wait.add_done_callback(lambda done: None if done.cancelled() else callback())
        heapq.heappush(self._waits, (mono_s, next(self._tie), wait))

        def cancel() -> None:
            wait.cancel()

        return cancel

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, stopping at every deadline on the way until its consequences have settled."""
        target = self._mono_s + seconds
        await self._settle()
        while self._waits and self._waits[0][0] <= target:
            due, _, wait = heapq.heappop(self._waits)
            self._move_to(max(due, self._mono_s))
            if not wait.done():
                wait.set_result(None)
            await self._settle()
        self._move_to(target)
        await self._settle()

    def step_wall(self, seconds: float, *, trusted: bool) -> None:
        """The wall clock jumps; the second count does not."""
        self._utc += timedelta(seconds=seconds)
        self._trusted = trusted

    def _move_to(self, mono_s: float) -> None:
        self._utc += timedelta(seconds=mono_s - self._mono_s)
        self._mono_s = mono_s

    async def _settle(self) -> None:
        async with asyncio.timeout(self._settle_s_max):
            for _ in range(20):
                await asyncio.sleep(0)
                if self._quiescence is not None:
                    await self._quiescence.idle()
