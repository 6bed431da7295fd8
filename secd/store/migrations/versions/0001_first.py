"""The first schema. Frozen: a later change is a later step."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table and index."""
    _log()
    _derived()
    _cursors()


def _log() -> None:
    op.create_table(
        "meta",
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=False),
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
    op.create_index("events_subject", "events", ["subject", "detected_us"])
    op.create_index("events_kind", "events", ["kind", "detected_us"])
    op.create_index("events_detected", "events", ["detected_us"])
    _partial_index("events_holder", "events", ["holder", "detected_us"], sa.text("holder IS NOT NULL"))


def _derived() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("rev", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("point", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("moved_seq", sa.BigInteger, nullable=False),
        sa.Column("object", sa.LargeBinary, nullable=False),
    )
    op.create_index("alarms_open", "alarms", ["is_open", "moved_seq"])
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event_seq", sa.BigInteger, nullable=False),
        sa.Column("act", sa.LargeBinary, nullable=False),
        sa.Column("expires_mono_s", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    _partial_index("orders_open", "orders", ["state"], sa.text("state = 'open'"))
    op.create_table(
        "desired",
        sa.Column("door", sa.Text, primary_key=True),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
    )
    op.create_table(
        "judge_state",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("boot_id", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "delivery_cursors",
        sa.Column("destination", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("upto", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sealed_reads",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("sealed_reads_until", "sealed_reads", ["until_us"])


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
