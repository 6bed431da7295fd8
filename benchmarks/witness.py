"""When rows of a store became durable, seen from beside it: a thread with a read-only connection looks every millisecond.

In: the path of a SQLite file with a table `events` numbered by `seq`. Out: for each number, the wall-clock moment at which
it was first there for a reader. With WAL and synchronous=FULL a reader sees a commit only after its sync, so the moment is
late by a look at most and never early. It writes nothing and holds no transaction between looks.
"""

import sqlite3
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

LOOK_EVERY_S = 0.001


class Witness:
    """What one connection saw. `marks`: (newest number, moment it was first seen), both rising."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.marks: list[tuple[int, float]] = []

    def look(self) -> None:
        """Note the newest number when it is news."""
        (newest,) = self._connection.execute("SELECT max(seq) FROM events").fetchone()
        if newest is not None and (not self.marks or newest > self.marks[-1][0]):
            self.marks.append((newest, time.time()))

    def moment(self, seq: int) -> float | None:
        """When that number was first there; None while it is not."""
        place = bisect_left(self.marks, seq, key=lambda mark: mark[0])
        return self.marks[place][1] if place < len(self.marks) else None


@contextmanager
def witness(path: Path) -> Iterator[Witness]:
    """Looking for the length of the block, in a thread."""
    address = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)) as connection:
        one, enough = Witness(connection), threading.Event()

        def keep_looking() -> None:
            while not enough.wait(LOOK_EVERY_S):
                one.look()

        looking = threading.Thread(target=keep_looking, name="witness", daemon=True)
        looking.start()
        try:
            yield one
        finally:
            enough.set()
            looking.join()
            one.look()
