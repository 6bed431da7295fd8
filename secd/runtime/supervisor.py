"""The only room that creates tasks or catches bare `Exception`.

Every task has a name, an owner and a policy: `restart` with back-off (delivery, api, jobs, links), or `fatal` (engine,
store): its failure ends the daemon, and systemd starts it again. Tasks stop last-in first-out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from secd.model.errors import Fault
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock, wait_for

T = TypeVar("T")

_log = logging.getLogger(__name__)
STOP_S_MAX = 5.0
STEADY_S = 60.0
"""A task that ran this long before it failed starts its back-off anew."""


async def contain(work: Awaitable[T]) -> T | Exception:
    """Await foreign work; whatever it raises comes back as a value, for its owner to judge and log.

    Cancellation passes, also one that the work lost on its way (`asyncio.wait_for` does so until Python 3.12).
    """
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task is not None else 0
    try:
        answer: T | Exception = await work
    except Exception as error:
        answer = error
    if task is not None and task.cancelling() > cancelled_before:
        raise asyncio.CancelledError
    return answer


class Supervisor:
    """Owns tasks. `failed` resolves with the exception of the first fatal task that ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def run(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], *, restart: Backoff | None = None
    ) -> asyncio.Task[None]:
        """Start `work` under `name`. With `restart` it is started again after a failure; without, a failure is fatal."""
        if name in self._tasks:
            raise Fault(f"a task named {name!r} is running already")
        keep = self._keep_running(name, work, restart) if restart is not None else self._run_fatal(name, work)
        task = asyncio.create_task(keep, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))
        return task

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start one short piece of work that ends by itself; its failure is fatal. Cancelled at stop like the rest."""
        task = asyncio.create_task(self._run_fatal(name, lambda: work), name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(lambda done: work.close())  # cancelled before its first step, it was never awaited
        return task

    async def together(self, **works: Coroutine[Any, Any, None]) -> None:
        """Run pieces of work as one: the first failure ends the others and is raised; a cancellation reaches them all.

        Returns when every one has ended by itself.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for name, work in works.items():
                    task = group.create_task(work, name=name)
                    task.add_done_callback(lambda done, work=work: work.close())  # type: ignore[misc]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def cancel(self, *names: str) -> None:
        """End these tasks together and wait for their end; nothing for one that is not running."""
        await _cancel({task for name in names if (task := self._tasks.get(name)) is not None})

    async def stop(self) -> None:
        """End everything: short pieces of work together, then the rest last in first out, `STOP_S_MAX` seconds at each."""
        await _cancel(set(self._background))
        for task in reversed(list(self._tasks.values())):
            await _cancel({task})

    def names(self) -> tuple[str, ...]:
        """The tasks running now."""
        return tuple(self._tasks)

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name]

    async def _run_fatal(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        error = await contain(work())
        if isinstance(error, Exception):
            _log.critical("a task that secd cannot do without ended", exc_info=error, extra={"task_name": name})
            if not self.failed.done():
                self.failed.set_result(error)

    async def _keep_running(self, name: str, work: Callable[[], Awaitable[None]], restart: Backoff) -> None:
        while True:
            started_mono_s = self._clock.now().mono_s
            error = await contain(work())
            if not isinstance(error, Exception):
                return
            _log.error("a task failed and is started again", exc_info=error, extra={"task_name": name})
            if self._clock.now().mono_s - started_mono_s >= STEADY_S:
                restart.reset()
            await wait_for(self._clock, restart.next_wait_s())


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    running = tasks - {asyncio.current_task()}
    for task in running:
        task.cancel()
    if not running:
        return
    _, stuck = await asyncio.wait(running, timeout=STOP_S_MAX)
    for task in stuck:
        _log.error("a task did not end when told to", extra={"task_name": task.get_name()})
