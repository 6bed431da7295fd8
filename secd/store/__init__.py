"""The event store: the only room that opens the database.

In: entries of the engine. Out: durable sequence numbers, rows by stream, the state to start from. The log is the outbox.
"""

from secd.store.reader import ReadOnlyStore, newest_instant
from secd.store.store import Store
from secd.store.stored import EventFilter, StartState, StoredEntry, StoredEvent

__all__ = [
    "EventFilter",
    "ReadOnlyStore",
    "StartState",
    "Store",
    "StoredEntry",
    "StoredEvent",
    "newest_instant",
]
