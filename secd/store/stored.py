"""What the store hands out: rows as readers see them, and what it found at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from secd.model.alarm import Alarm
from secd.model.entry import StateRow
from secd.model.event import Event, Stream
from secd.model.names import DeviceId, Digest
from secd.model.observation import DeviceCursor
from secd.model.order import DesiredLock, Order
from secd.model.time import Instant

FIND_LIMIT_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A row of the log: `seq` is dense over everything, `stream_seq` within its stream."""

    seq: int
    stream: Stream
    stream_seq: int
    stored: datetime
    policy: Digest
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An input with the findings it led to, as one transaction stored them; `seq` is the input's."""

    seq: int
    event: Event
    findings: tuple[Event, ...]
    policy: Digest
    stored: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events. Every set field narrows. `since` <= detected < `until`; `after_seq` < seq < `before_seq`.

    Ordered by seq when a seq bound is given (paging, following), otherwise by the time secd saw it.
    """

    after_seq: int | None = None
    before_seq: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[str, ...] = ()
    subject: str | None = None
    source: str | None = None
    area: str | None = None
    holder: str | None = None
    limit: int = 100
    newest_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StartState:
    """What was stored when the store opened. All empty for a new store, and for one that could not be read."""

    epoch: str = ""
    seq: int = 0
    last: Instant | None = None
    rows: tuple[StateRow, ...] = ()
    open_alarms: tuple[Alarm, ...] = ()
    desired: tuple[DesiredLock, ...] = ()
    cursors: Mapping[DeviceId, DeviceCursor] = field(default_factory=dict)
    open_orders: tuple[Order, ...] = ()
    marks: Mapping[Stream, int] = field(default_factory=dict)
