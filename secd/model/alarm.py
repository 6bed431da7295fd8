"""An alarm: a state that needs a response. Two axes (condition, acknowledgement) and a revision that only rises."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from secd.model.names import AlarmId, AreaId, CameraId, EventId, RuleId


class Condition(StrEnum):
    """Is the cause still there?"""

    ACTIVE = "active"
    CLEARED = "cleared"
    UNKNOWN = "unknown"


class Acknowledgement(StrEnum):
    """Has a person taken it?"""

    UNACKED = "unacked"
    ACKED = "acked"
    REALARMED = "re-alarm"


class AlarmMode(StrEnum):
    """Simulators and drills can never emit ACTUAL."""

    ACTUAL = "actual"
    TEST = "test"
    DRILL = "drill"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The whole object, as the station sees it. One open alarm per (kind, point); a repeat raises `occurrences`.

    `rule` is the alarm rule that raised it ("built-in" for an unmatched panic, S13). `silent` alarms have no effect on
    the premises (S12). `received_by` are stations that showed it; `acked_by` the person who owns it.
    """

    id: AlarmId
    rev: int
    kind: str
    rule: RuleId
    point: str
    label: str
    area: AreaId | None
    priority: int
    silent: bool
    latched: bool
    condition: Condition
    ack: Acknowledgement
    mode: AlarmMode
    occurrences: int
    occurred: datetime
    detected: datetime
    last: datetime
    cause: EventId
    press: str = ""
    cameras: tuple[CameraId, ...] = ()
    procedure: str = ""
    received_by: tuple[str, ...] = ()
    acked_by: str = ""
    acked_at: datetime | None = None
    closed: bool = False
    reason: str = ""
