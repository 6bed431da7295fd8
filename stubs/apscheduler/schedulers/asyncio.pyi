from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, tzinfo

from apscheduler.triggers.interval import IntervalTrigger

class AsyncIOScheduler:
    def __init__(self, *, timezone: tzinfo, job_defaults: Mapping[str, object]) -> None: ...
    def start(self) -> None: ...
    def shutdown(self, wait: bool = ...) -> None: ...
    def add_job(
        self,
        func: Callable[..., Awaitable[None]],
        trigger: IntervalTrigger,
        *,
        args: Sequence[object],
        id: str,
        next_run_time: datetime,
    ) -> object: ...
