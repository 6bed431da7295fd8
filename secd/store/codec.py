"""Values to canonical JSON bytes and back: events, alarms, orders, whole entries.

In: frozen values of the vocabulary. Out: bytes that are the same for the same value, whoever writes them, because they
are what an audit will hash. Refuses raw card reads (safety rule S21) and anything JSON cannot hold: those are poison.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from math import isfinite
from typing import Any, cast

import msgspec

from secd.model import order as orders
from secd.model.alarm import Alarm
from secd.model.entry import Entry, StateRow, Verdict
from secd.model.errors import Fault
from secd.model.event import Event
from secd.model.facts import FACTS, CardRead, Fact
from secd.model.names import AreaId, DeviceId, Digest, EventId, OrderId
from secd.model.observation import DeviceCursor
from secd.model.order import Act, DesiredLock, Order
from secd.model.time import Instant

ACTS: dict[str, type] = {act.__name__: act for act in Act.__args__}
_ENCODER = msgspec.json.Encoder(order="deterministic")


class _EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    id: EventId
    kind: str
    subject: str
    area: AreaId | None
    source: str
    occurred: datetime
    detected: Instant
    fact_type: str
    fact: Any
    late: bool = False
    after_gap: bool = False
    cause: EventId | None = None
    author: str = ""


class _EventText(_EventRecord, frozen=True, kw_only=True):
    fact: msgspec.Raw


class _OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    id: OrderId
    act_type: str
    act: Any
    cause: EventId
    expires_mono_s: float
    urgent: bool = False


class _OrderText(_OrderRecord, frozen=True, kw_only=True):
    act: msgspec.Raw


class _EntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    event: Any
    findings: Any
    alarms: Any
    orders: Any
    desired: Any
    changes: Any
    policy: Digest
    cursor: tuple[DeviceId, DeviceCursor] | None = None


class _EntryText(_EntryRecord, frozen=True, kw_only=True):
    event: msgspec.Raw
    findings: tuple[msgspec.Raw, ...]
    alarms: tuple[Alarm, ...]
    orders: tuple[msgspec.Raw, ...]
    desired: tuple[DesiredLock, ...]
    changes: tuple[StateRow, ...]


def encode_json(value: Mapping[str, Any] | Alarm) -> bytes:
    """Canonical bytes of a JSON-ready mapping or of an alarm."""
    return _ENCODER.encode(value)


def decode_mapping(raw: bytes) -> dict[str, Any]:
    """A mapping as `encode_json` wrote it."""
    return cast("dict[str, Any]", _decoder(dict).decode(raw))


def encode_event(event: Event) -> bytes:
    """Canonical bytes of an event. `Fault` for a raw card read or a time that is no number."""
    return _ENCODER.encode(_event_record(event))


def decode_event(raw: bytes | msgspec.Raw) -> Event:
    """The event again; `Fault` when the bytes are not one."""
    try:
        record: _EventText = _decoder(_EventText).decode(raw)
        fact: Fact = _decoder(FACTS[record.fact_type]).decode(record.fact)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Fault(f"a stored event cannot be read: {error}") from error
    return Event(
        id=record.id,
        kind=record.kind,
        subject=record.subject,
        area=record.area,
        source=record.source,
        occurred=record.occurred,
        detected=record.detected,
        fact=fact,
        late=record.late,
        after_gap=record.after_gap,
        cause=record.cause,
        author=record.author,
    )


def decode_alarm(raw: bytes) -> Alarm:
    """The alarm again; `Fault` when the bytes are not one."""
    return cast("Alarm", _decode(Alarm, raw))


def encode_order(order: Order) -> bytes:
    """Canonical bytes of an order of the judge."""
    return _ENCODER.encode(_order_record(order))


def decode_order(raw: bytes | msgspec.Raw) -> Order:
    """The order again; `Fault` when the bytes are not one."""
    record: _OrderText = _decode(_OrderText, raw)
    if record.act_type not in ACTS:
        raise Fault(f"a stored order asks for {record.act_type!r}, which this version does not know")
    act: orders.Act = _decode(ACTS[record.act_type], record.act)
    return Order(id=record.id, act=act, cause=record.cause, expires_mono_s=record.expires_mono_s, urgent=record.urgent)


def encode_entry(entry: Entry) -> bytes:
    """One line for the spool: the whole entry, without a line end."""
    verdict = entry.verdict
    return _ENCODER.encode(
        _EntryRecord(
            event=_event_record(entry.event),
            findings=[_event_record(finding) for finding in verdict.findings],
            alarms=verdict.alarms,
            orders=[_order_record(order) for order in verdict.orders],
            desired=verdict.desired,
            changes=verdict.changes,
            policy=entry.policy,
            cursor=entry.cursor,
        )
    )


def decode_entry(raw: bytes) -> Entry:
    """The entry again; `Fault` when the bytes are not one (a torn line, another version)."""
    record: _EntryText = _decode(_EntryText, raw)
    verdict = Verdict(
        findings=tuple(decode_event(finding) for finding in record.findings),
        alarms=record.alarms,
        orders=tuple(decode_order(order) for order in record.orders),
        desired=record.desired,
        changes=record.changes,
    )
    return Entry(event=decode_event(record.event), verdict=verdict, policy=record.policy, cursor=record.cursor)


def _event_record(event: Event) -> _EventRecord:
    if isinstance(event.fact, CardRead):
        raise Fault(f"a raw card read is not stored (event {event.id}, kind {event.kind})")
    if not isfinite(event.detected.mono_s):
        raise Fault(f"an event's time is no number (event {event.id}, kind {event.kind})")
    return _EventRecord(
        id=event.id,
        kind=event.kind,
        subject=event.subject,
        area=event.area,
        source=event.source,
        occurred=event.occurred,
        detected=event.detected,
        fact_type=type(event.fact).__name__,
        fact=event.fact,
        late=event.late,
        after_gap=event.after_gap,
        cause=event.cause,
        author=event.author,
    )


def _order_record(order: Order) -> _OrderRecord:
    return _OrderRecord(
        id=order.id,
        act_type=type(order.act).__name__,
        act=order.act,
        cause=order.cause,
        expires_mono_s=order.expires_mono_s,
        urgent=order.urgent,
    )


def _decode(shape: type, raw: bytes | msgspec.Raw) -> Any:
    try:
        return _decoder(shape).decode(raw)
    except msgspec.MsgspecError as error:
        raise Fault(f"stored bytes are no {shape.__name__}: {error}") from error


@cache
def _decoder(shape: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)
