"""A row of the log as a reader of one stream sees it."""

from dataclasses import dataclass
from datetime import datetime

from secd.model.alarm import Alarm
from secd.model.event import Event, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """`sequence` is dense within (site, stream, epoch); `alarm` is the whole object for an alarm's transition."""

    stream: Stream
    sequence: int
    event: Event
    stored: datetime
    alarm: Alarm | None = None
