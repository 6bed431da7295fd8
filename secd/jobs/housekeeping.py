"""Runs the house's chores at their intervals, one run of each at a time.

In: chores, given by app: a name, an interval, the work. Out: their runs, counted and, when they fail, logged. Refuses to
let a chore stop another, overlap itself, run without a deadline, or decide anything: what is due by policy is a due time
in the judge's state, never a job here. The scheduler reads the real clock, also where a site's time is simulated.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from secd.runtime.clock import local_now
from secd.runtime.supervisor import contain

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One piece of housekeeping. `first_after_s` spreads chores out, so that they do not all meet at start."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]
    first_after_s: float = 60.0
    within_s: float = 600.0


class Housekeeping:
    """The chores of one daemon. `ended(name, failed)` counts each run."""

    def __init__(self, chores: Sequence[Chore], ended: Callable[[str, bool], None]) -> None:
        self._chores = tuple(chores)
        self._ended = ended

    async def run(self) -> None:
        """Keep the chores running until cancelled; one that runs then is cancelled too."""
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        start = local_now()
        for chore in self._chores:
            scheduler.add_job(
                self._do,
                IntervalTrigger(seconds=chore.every_s, timezone=UTC),
                args=(chore,),
                id=chore.name,
                next_run_time=start + timedelta(seconds=chore.first_after_s),
            )
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _do(self, chore: Chore) -> None:
        try:
            async with asyncio.timeout(chore.within_s):
                error = await contain(chore.work())
        except TimeoutError:
            error = TimeoutError(f"not done within {chore.within_s:g} s")
        failed = isinstance(error, Exception)
        if failed:
            _log.error("a chore failed", exc_info=error, extra={"chore": chore.name})
        self._ended(chore.name, failed)
