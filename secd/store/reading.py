"""Queries: a connection in, values of the vocabulary out. No thread, no loop, no write."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from secd.model.alarm import Alarm
from secd.model.doors import DoorMode, Layer
from secd.model.entry import StateRow
from secd.model.event import Event, Stream
from secd.model.names import DeviceId, Digest, DoorId, EventId
from secd.model.observation import DeviceCursor
from secd.model.order import DesiredLock
from secd.model.stream import StreamRow
from secd.model.time import Instant
from secd.store import schema
from secd.store.batch import Counters
from secd.store.codec import decode_alarm, decode_event, decode_mapping, decode_order
from secd.store.schema import alarms, cursors, delivery_cursors, desired, events, judge_state, meta, orders
from secd.store.stored import FIND_LIMIT_MAX, EventFilter, StartState, StoredEntry, StoredEvent

ENTRY_ROWS_MAX = 1_000
"""Findings of one input are read this many at a time."""


def load_counters(connection: sa.Connection) -> Counters:
    """The newest numbers of the log and of its streams."""
    seq = connection.execute(sa.select(sa.func.max(events.c.seq))).scalar() or 0
    newest = {}
    for stream in Stream:
        query = sa.select(sa.func.max(events.c.stream_seq)).where(events.c.stream == stream.value)
        newest[stream.value] = connection.execute(query).scalar() or 0
    return Counters(seq=seq, streams=newest)


def load_last(connection: sa.Connection) -> Instant | None:
    """When the newest stored event was seen."""
    newest = sa.select(events.c.detected_us, events.c.mono_s).order_by(events.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else Instant(utc=schema.from_us(row.detected_us), mono_s=row.mono_s)


def load_start(connection: sa.Connection) -> StartState:
    """All that the daemon starts from, in one snapshot (the caller's transaction)."""
    still_open = sa.select(orders.c.act).where(orders.c.state == "open").order_by(orders.c.event_seq)
    counters = load_counters(connection)
    return StartState(
        epoch=connection.execute(sa.select(meta.c.epoch)).scalar() or "",
        seq=counters.seq,
        last=load_last(connection),
        rows=tuple(
            StateRow(kind=row.kind, key=row.key, value=decode_mapping(row.value))
            for row in connection.execute(sa.select(judge_state).order_by(judge_state.c.kind, judge_state.c.key))
        ),
        open_alarms=load_open_alarms(connection),
        desired=tuple(
            DesiredLock(
                door=DoorId(row.door), mode=DoorMode(row.mode), layer=Layer(row.layer), cause=EventId(row.cause)
            )
            for row in connection.execute(sa.select(desired).order_by(desired.c.door))
        ),
        cursors={
            DeviceId(row.device): DeviceCursor(boot_id=row.boot_id, sequence=row.sequence)
            for row in connection.execute(sa.select(cursors))
        },
        open_orders=tuple(decode_order(row.act) for row in connection.execute(still_open)),
        marks={Stream(name): upto for name, upto in counters.streams.items()},
    )


def load_open_alarms(connection: sa.Connection) -> tuple[Alarm, ...]:
    """Alarms that are not closed, the longest unmoved first."""
    query = sa.select(alarms.c.object).where(alarms.c.is_open).order_by(alarms.c.moved_seq)
    return tuple(decode_alarm(row.object) for row in connection.execute(query))


def load_closed_alarms(connection: sa.Connection, limit: int) -> tuple[Alarm, ...]:
    """Closed alarms, the latest first."""
    query = sa.select(alarms.c.object).where(~alarms.c.is_open).order_by(alarms.c.moved_seq.desc()).limit(limit)
    return tuple(decode_alarm(row.object) for row in connection.execute(query))


def read_stream(connection: sa.Connection, stream: Stream, after: int, limit: int) -> list[StreamRow]:
    """Rows of one stream after a number, in order."""
    query = (
        sa.select(events.c.stream_seq, events.c.stored_us, events.c.body, events.c.alarm)
        .where(events.c.stream == stream.value, events.c.stream_seq > after)
        .order_by(events.c.stream_seq)
        .limit(min(limit, FIND_LIMIT_MAX))
    )
    return [
        StreamRow(
            stream=stream,
            sequence=row.stream_seq,
            event=decode_event(row.body),
            stored=schema.from_us(row.stored_us),
            alarm=None if row.alarm is None else decode_alarm(row.alarm),
        )
        for row in connection.execute(query)
    ]


def find_events(connection: sa.Connection, wanted: EventFilter) -> list[StoredEvent]:
    """Events that pass every set field."""
    query = sa.select(events).where(*_conditions(wanted)).limit(min(wanted.limit, FIND_LIMIT_MAX))
    by_seq = wanted.after_seq is not None or wanted.before_seq is not None
    columns = [events.c.seq] if by_seq else [events.c.detected_us, events.c.seq]
    query = query.order_by(*(column.desc() if wanted.newest_first else column for column in columns))
    return [_stored_event(row) for row in connection.execute(query)]


def get_event(connection: sa.Connection, event_id: str) -> StoredEvent | None:
    """One event by its id."""
    row = connection.execute(sa.select(events).where(events.c.id == event_id)).first()
    return None if row is None else _stored_event(row)


def read_entries(connection: sa.Connection, from_seq: int, limit: int) -> list[StoredEntry]:
    """Inputs from a number on with what they led to, whole entries only."""
    inputs = sa.select(events.c.seq).where(events.c.seq == events.c.entry_seq, events.c.seq >= from_seq)
    starts = connection.execute(inputs.order_by(events.c.seq).limit(min(limit, FIND_LIMIT_MAX))).scalars().all()
    if not starts:
        return []
    query = (
        sa.select(events)
        .where(events.c.seq >= starts[0], events.c.entry_seq >= starts[0], events.c.entry_seq <= starts[-1])
        .order_by(events.c.seq)
    )
    query = query.where(events.c.seq <= starts[-1] + ENTRY_ROWS_MAX)
    found: dict[int, tuple[StoredEvent, list[Event]]] = {}
    for row in connection.execute(query):
        stored = _stored_event(row)
        if row.seq == row.entry_seq:
            found[row.entry_seq] = (stored, [])
        else:
            found[row.entry_seq][1].append(stored.event)
    return [
        StoredEntry(seq=seq, event=row.event, findings=tuple(findings), policy=row.policy, stored=row.stored)
        for seq, (row, findings) in found.items()
    ]


def get_delivery_cursor(connection: sa.Connection, destination: str, stream: Stream) -> int:
    """How far a destination has a stream; 0 when it never had any."""
    where = (delivery_cursors.c.destination == destination, delivery_cursors.c.stream == stream.value)
    return connection.execute(sa.select(delivery_cursors.c.upto).where(*where)).scalar() or 0


def get_sealed_read(connection: sa.Connection, event_id: str) -> bytes | None:
    """The sealed raw read of an unknown card, while it is kept."""
    table = schema.sealed_reads
    return connection.execute(sa.select(table.c.sealed).where(table.c.event_id == event_id)).scalar()


def _conditions(wanted: EventFilter) -> Iterator[sa.ColumnElement[bool]]:
    columns = events.c
    if wanted.after_seq is not None:
        yield columns.seq > wanted.after_seq
    if wanted.before_seq is not None:
        yield columns.seq < wanted.before_seq
    if wanted.since is not None:
        yield columns.detected_us >= schema.to_us(wanted.since)
    if wanted.until is not None:
        yield columns.detected_us < schema.to_us(wanted.until)
    if wanted.kinds:
        yield columns.kind.in_(wanted.kinds)
    for column, value in (
        (columns.subject, wanted.subject),
        (columns.source, wanted.source),
        (columns.area, wanted.area),
        (columns.holder, wanted.holder),
    ):
        if value is not None:
            yield column == value


def _stored_event(row: sa.Row[Any]) -> StoredEvent:
    return StoredEvent(
        seq=row.seq,
        stream=Stream(row.stream),
        stream_seq=row.stream_seq,
        stored=schema.from_us(row.stored_us),
        policy=Digest(row.policy),
        event=decode_event(row.body),
    )
