"""Entries as rows: what one transaction will write, numbered densely. Pure: nothing is numbered until it commits.

In: entries and what rides along (delivery cursors, sealed reads). Out: statements with their parameters, in the order
in which they must run. Refuses (raises) an entry that cannot be encoded, before any of it is in the batch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from secd.model.alarm import Alarm
from secd.model.entry import Entry
from secd.model.event import KINDS, Event
from secd.model.facts import AccessDecided, AlarmMoved, OrderEnded, Passage
from secd.model.observation import DeviceCursor
from secd.model.order import DesiredLock
from secd.store import schema
from secd.store.codec import encode_event, encode_json, encode_order

UNENCODABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError)
"""What an entry that is no entry raises when it is encoded, beside `Fault`."""


@dataclass(slots=True, kw_only=True)
class Counters:
    """The newest numbers that are durable: over all, and of each stream."""

    seq: int = 0
    streams: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "Counters":
        """The same numbers, to count on from."""
        return Counters(seq=self.seq, streams=dict(self.streams))


@dataclass(slots=True, kw_only=True)
class Rides:
    """What is written with the next transaction, whichever that is."""

    delivered: dict[tuple[str, str], int] = field(default_factory=dict)
    sealed: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    prune: bool = False

    def __bool__(self) -> bool:
        return bool(self.delivered or self.sealed or self.prune)

    def add_older(self, older: "Rides") -> None:
        """Take back what was not written after all; what is newer stays."""
        self.delivered = older.delivered | self.delivered
        self.sealed = older.sealed | self.sealed
        self.prune = older.prune or self.prune


@dataclass(slots=True)
class _Encoded:
    bodies: list[tuple[Event, bytes, bytes | None]]
    alarms: dict[str, tuple[Alarm, bytes]]
    orders: list[tuple[str, bytes, float]]
    changes: dict[tuple[str, str], bytes | None]


class Batch:
    """One transaction in the making. `add` gives an entry its numbers; they count once the batch is committed."""

    def __init__(self, counters: Counters, *, stored: datetime, rides: Rides | None = None) -> None:
        self.counters = counters.copy()
        self._stored_us = schema.to_us(stored)
        self._rides = rides or Rides()
        self._events: list[tuple[Any, ...]] = []
        self._orders: list[tuple[Any, ...]] = []
        self._ended: list[tuple[str, str, str]] = []
        self._alarms: dict[str, tuple[Any, ...]] = {}
        self._desired: dict[str, DesiredLock] = {}
        self._changes: dict[tuple[str, str], bytes | None] = {}
        self.cursors: dict[str, DeviceCursor] = {}

    def add(self, entry: Entry) -> int:
        """The sequence number of the entry's input. Raises `Fault` or one of UNENCODABLE and leaves the batch as it was."""
        encoded = _encode(entry)
        entry_seq = self.counters.seq + 1
        for event, body, alarm in encoded.bodies:
            self._events.append(self._event_row(event, body, alarm, entry_seq, entry.policy))
            if isinstance(event.fact, OrderEnded):
                self._ended.append((event.fact.result, event.fact.detail, event.fact.order))
        for alarm_id, (moved, text) in encoded.alarms.items():
            self._alarms[alarm_id] = (
                alarm_id, moved.rev, not moved.closed, moved.kind, moved.point, moved.priority, self.counters.seq, text,
            )  # fmt: skip
        for order_id, text, expires_mono_s in encoded.orders:
            self._orders.append((order_id, entry_seq, text, expires_mono_s, "open", ""))
        self._desired.update({lock.door: lock for lock in entry.verdict.desired})
        self._changes.update(encoded.changes)
        if entry.cursor is not None:
            self.cursors[entry.cursor[0]] = entry.cursor[1]
        return entry_seq

    @property
    def holds_events(self) -> bool:
        """Whether it is more than rides."""
        return bool(self._events)

    def statements(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """SQL and rows, empty ones left out; orders are made before they end. Sealed reads go when their day has come."""
        changed = [(kind, key, value) for (kind, key), value in self._changes.items() if value is not None]
        removed = [pair for pair, value in self._changes.items() if value is None]
        delivered = [(*pair, upto) for pair, upto in self._rides.delivered.items()]
        sealed = [(event_id, raw, until) for event_id, (raw, until) in self._rides.sealed.items()]
        work: list[tuple[str, list[tuple[Any, ...]]]] = [
            (insert_sql("events"), self._events),
            (insert_sql("orders"), self._orders),
            ("UPDATE orders SET state = ?, outcome = ? WHERE id = ? AND state = 'open'", list(self._ended)),
            (upsert_sql("alarms"), list(self._alarms.values())),
            (upsert_sql("desired"), [(d.door, d.mode.value, d.layer.value, d.cause) for d in self._desired.values()]),
            (upsert_sql("judge_state"), list(changed)),
            ("DELETE FROM judge_state WHERE kind = ? AND key = ?", list(removed)),
            (upsert_sql("cursors"), [(device, c.boot_id, c.sequence) for device, c in self.cursors.items()]),
            (upsert_sql("delivery_cursors"), list(delivered)),
            (upsert_sql("sealed_reads"), list(sealed)),
            ("DELETE FROM sealed_reads WHERE until_us < ?", [(self._stored_us,)]),
        ]
        return ((sql, rows) for sql, rows in work if rows)

    def _event_row(
        self, event: Event, body: bytes, alarm: bytes | None, entry_seq: int, policy: str
    ) -> tuple[Any, ...]:
        stream = KINDS[event.kind].stream.value
        self.counters.seq += 1
        stream_seq = self.counters.streams[stream] = self.counters.streams.get(stream, 0) + 1
        return (
            self.counters.seq, entry_seq, event.id, event.kind, stream, stream_seq, event.subject, event.area,
            event.source, _holder_of(event), schema.to_us(event.occurred), schema.to_us(event.detected.utc),
            event.detected.mono_s, self._stored_us, event.late, event.cause, event.author, policy, body, alarm,
        )  # fmt: skip


@cache
def insert_sql(table: str) -> str:
    """INSERT with one place for each column, in the table's order."""
    return str(sa.insert(schema.metadata.tables[table]).compile(dialect=sqlite.dialect(paramstyle="qmark")))


@cache
def upsert_sql(table: str) -> str:
    """INSERT that replaces the row of the same key; PostgreSQL spells it the same."""
    shape = schema.metadata.tables[table]
    insert = sqlite.insert(shape)
    keys = [column.name for column in shape.primary_key]
    values: Mapping[str, Any] = {c.name: insert.excluded[c.name] for c in shape.columns if c.name not in keys}
    upsert = insert.on_conflict_do_update(index_elements=keys, set_=values)
    return str(upsert.compile(dialect=sqlite.dialect(paramstyle="qmark")))


def _encode(entry: Entry) -> _Encoded:
    verdict = entry.verdict
    alarms = {alarm.id: (alarm, encode_json(alarm)) for alarm in verdict.alarms}
    bodies: list[tuple[Event, bytes, bytes | None]] = []
    for event in (entry.event, *verdict.findings):
        _check(event)
        moved = alarms.get(event.fact.alarm) if isinstance(event.fact, AlarmMoved) else None
        bodies.append((event, encode_event(event), moved[1] if moved is not None else None))
    for lock in verdict.desired:
        _ = (lock.mode.value, lock.layer.value)
    return _Encoded(
        bodies=bodies,
        alarms={str(alarm_id): pair for alarm_id, pair in alarms.items()},
        orders=[(order.id, encode_order(order), order.expires_mono_s) for order in verdict.orders],
        changes={
            (change.kind, change.key): None if change.value is None else encode_json(change.value)
            for change in verdict.changes
        },
    )


def _check(event: Event) -> None:
    """Whatever would raise while the row is built must raise before any of the entry is in the batch."""
    _ = (KINDS[event.kind], schema.to_us(event.occurred), schema.to_us(event.detected.utc))


def _holder_of(event: Event) -> str | None:
    return event.fact.holder if isinstance(event.fact, AccessDecided | Passage) else None
