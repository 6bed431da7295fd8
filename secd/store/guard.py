"""The guard thread: it notices a commit that does not come back, and keeps the second place filled meanwhile.

It counts its own ticks instead of reading time: a writer that is busy with the same attempt over four of them is stuck.
"""

import threading

from secd.store.database import DiskFailed
from secd.store.spool import Spool
from secd.store.writer import Writer

TICKS_STUCK = 4


class Guard:
    """Watches one writer until told to stop. `wake` is set when something new waits while the store is degraded."""

    def __init__(self, writer: Writer, spool: Spool, wake: threading.Event, *, commit_s_max: float) -> None:
        self._writer = writer
        self._spool = spool
        self._commit_s_max = commit_s_max
        self._wake = wake
        self._stopping = False
        self._spooled = 0

    def stop(self) -> None:
        """Spool what is left, then end."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        """The thread."""
        attempt, ticks = 0, 0
        while not self._stopping:
            woken = self._wake.wait(timeout=self._commit_s_max / TICKS_STUCK)
            self._wake.clear()
            if not self._writer.busy or self._writer.attempts != attempt:
                attempt, ticks = self._writer.attempts, 0
            elif not woken:
                ticks += 1
            if ticks >= TICKS_STUCK:
                self._writer.degrade(DiskFailed(f"no commit in {self._commit_s_max:g} s: the store's disk hangs"))
            self._keep_second_place()
        self._keep_second_place()

    def _keep_second_place(self) -> None:
        if not self._writer.degraded and not self._stopping:
            return
        unsaved = self._writer.unsaved_after(self._spooled)
        if unsaved and self._spool.add(held.entry for held in unsaved):
            self._spooled = unsaved[-1].ticket
