"""The tables as SQLAlchemy Core knows them; `migrations/` is what makes them. Nothing here that PostgreSQL lacks.

Moments are whole microseconds since 1970 UTC (`_us`); values of the vocabulary are canonical JSON bytes.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

HEAD = "0001"
"""The newest migration; a store at another revision is migrated when it opens."""

metadata = sa.MetaData()
_seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", _seq, primary_key=True, autoincrement=False),
    sa.Column("entry_seq", sa.BigInteger, nullable=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("stream_seq", sa.BigInteger, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("area", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("occurred_us", sa.BigInteger, nullable=False),
    sa.Column("detected_us", sa.BigInteger, nullable=False),
    sa.Column("mono_s", sa.Double, nullable=False),
    sa.Column("stored_us", sa.BigInteger, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("alarm", sa.LargeBinary),
    sa.UniqueConstraint("stream", "stream_seq", name="events_stream_seq"),
)
sa.Index("events_subject", events.c.subject, events.c.detected_us)
sa.Index("events_kind", events.c.kind, events.c.detected_us)
sa.Index("events_detected", events.c.detected_us)
_with_holder = events.c.holder.is_not(None)
sa.Index(
    "events_holder", events.c.holder, events.c.detected_us, sqlite_where=_with_holder, postgresql_where=_with_holder
)
alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("point", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("moved_seq", sa.BigInteger, nullable=False),
    sa.Column("object", sa.LargeBinary, nullable=False),
)
sa.Index("alarms_open", alarms.c.is_open, alarms.c.moved_seq)
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event_seq", sa.BigInteger, nullable=False),
    sa.Column("act", sa.LargeBinary, nullable=False),
    sa.Column("expires_mono_s", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
)
_still_open = orders.c.state == "open"
sa.Index("orders_open", orders.c.state, sqlite_where=_still_open, postgresql_where=_still_open)
desired = sa.Table(
    "desired",
    metadata,
    sa.Column("door", sa.Text, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
)
cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("boot_id", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
judge_state = sa.Table(
    "judge_state",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
delivery_cursors = sa.Table(
    "delivery_cursors",
    metadata,
    sa.Column("destination", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("upto", sa.BigInteger, nullable=False),
)
sealed_reads = sa.Table(
    "sealed_reads",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("until_us", sa.BigInteger, nullable=False),
)
sa.Index("sealed_reads_until", sealed_reads.c.until_us)


def to_us(moment: datetime) -> int:
    """An aware moment as microseconds, without going through a float."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(count: int) -> datetime:
    """The aware UTC moment."""
    return _EPOCH + timedelta(microseconds=count)
