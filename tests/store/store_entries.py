"""Builders of entries, and ears for the store's troubles."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from secd.model.alarm import Acknowledgement, Alarm, AlarmMode, Condition
from secd.model.entry import Entry, StateRow, Verdict
from secd.model.event import Event
from secd.model.facts import AlarmMoved, Fact, InputState, PointChanged, Trouble
from secd.model.names import AlarmId, AreaId, DeviceId, Digest, EventId, RuleId
from secd.model.observation import DeviceCursor
from secd.model.time import Instant
from secd.runtime.clock import ManualClock
from secd.runtime.ids import UlidSource
from secd.store import Store

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
POLICY = Digest("p" * 64)
IDS = UlidSource()
DEADLINE_S = 20


def an_event(
    kind: str = "door.opened", fact: Fact | None = None, *, subject: str = "east", at_s: float = 0, **more: Any
) -> Event:
    seen = START + timedelta(seconds=at_s)
    fact = fact or PointChanged(point="input/1", state=InputState.ACTIVE)
    values: dict[str, Any] = {"area": AreaId("lobby"), "source": "board-1", "occurred": seen} | more
    instant = Instant(utc=seen, mono_s=seen.timestamp())
    return Event(id=EventId(IDS.new(seen)), kind=kind, subject=subject, detected=instant, fact=fact, **values)


def an_entry(
    event: Event | None = None, *, cursor: int | None = None, state: tuple[StateRow, ...] = (), **verdict: Any
) -> Entry:
    read = None if cursor is None else (DeviceId("board-1"), DeviceCursor(boot_id=7, sequence=cursor))
    return Entry(event=event or an_event(), verdict=Verdict(changes=state, **verdict), policy=POLICY, cursor=read)


def an_alarm(cause: EventId, *, alarm_id: str = "alarm-1", rev: int = 1, closed: bool = False) -> Alarm:
    return Alarm(
        id=AlarmId(alarm_id), rev=rev, kind="panic.activated", rule=RuleId("duress"), point="bench-a", label="Bench A",
        area=AreaId("courtroom-a"), priority=1, silent=True, latched=True, condition=Condition.ACTIVE,
        ack=Acknowledgement.UNACKED, mode=AlarmMode.SIMULATED, occurrences=1, occurred=START, detected=START, last=START,
        cause=cause, closed=closed,
    )  # fmt: skip


def an_alarm_entry(*, alarm_id: str = "alarm-1", rev: int = 1, closed: bool = False, **more: Any) -> Entry:
    pressed = an_event("panic.activated", PointChanged(point="input/1", state=InputState.ACTIVE), subject="bench-a")
    alarm = an_alarm(pressed.id, alarm_id=alarm_id, rev=rev, closed=closed)
    moved = AlarmMoved(alarm=alarm.id, rev=rev, transition="closed" if closed else "raised")
    finding = an_event("alarm.closed" if closed else "alarm.raised", moved, subject=alarm_id, cause=pressed.id)
    return an_entry(pressed, findings=(finding,), alarms=(alarm,), **more)


class Troubles:
    """What the store said, to wait for."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Trouble]] = []
        self._came: asyncio.Queue[tuple[str, Trouble]] = asyncio.Queue()

    def __call__(self, kind: str, trouble: Trouble) -> None:
        self.all.append((kind, trouble))
        self._came.put_nowait((kind, trouble))

    async def next(self, kind: str) -> Trouble:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                came, trouble = await self._came.get()
                if came == kind:
                    return trouble

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.all]


@asynccontextmanager
async def opened(path: Path, troubles: Troubles | None = None, **options: Any) -> AsyncIterator[Store]:
    given: dict[str, Any] = {"ballast_bytes": 0, "clock": ManualClock(START), "site": "courthouse"} | options
    store = await Store.open(path, on_trouble=troubles or Troubles(), **given)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """The disk of this process fails (EFBIG) where a file would grow past a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def settled(*futures: "asyncio.Future[int]") -> list[int]:
    async with asyncio.timeout(DEADLINE_S):
        return [await future for future in futures]


def log_size(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size
