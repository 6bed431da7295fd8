"""One step of the log: an accepted input and everything it led to, stored in one transaction or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secd.model.alarm import Alarm
from secd.model.event import Event
from secd.model.names import DeviceId, Digest
from secd.model.observation import DeviceCursor
from secd.model.order import DesiredLock, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """One row of the judge's durable state. `value` is JSON-ready; None removes the row."""

    kind: str
    key: str
    value: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a commander is told: done or not, a stable code (`ok`, `stale_rev`, `unknown_target`, ...), one line for a person."""

    done: bool
    code: str = "ok"
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge makes of one event: findings, alarm objects after their transition, orders, modes, changed state.

    `alarms` are the objects as they stand after this step, newest revision only; each has an AlarmMoved finding.
    `answer` is set when the event was a command.
    """

    findings: tuple[Event, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    orders: tuple[Order, ...] = ()
    desired: tuple[DesiredLock, ...] = ()
    changes: tuple[StateRow, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event with its verdict, the device cursor it brought and the digest of the policy that judged it."""

    event: Event
    verdict: Verdict
    policy: Digest
    cursor: tuple[DeviceId, DeviceCursor] | None = None
