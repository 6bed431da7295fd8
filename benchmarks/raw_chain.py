"""The floor of a card's whole way: the bare poll that opens the door, one durable row a card, one message a row.

In: ports, a file and a broker, as arguments; `python -m benchmarks.raw_chain`. Out: what was seen, in the order of the rows'
numbers. Rows are committed by a thread of their own, all that wait in one transaction, as secd's are; a message is
published when its row is durable. It checks nothing and decides nothing: see `raw_modbus`.
"""

import asyncio
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import aiomqtt
import uvloop

from benchmarks.commands import say, serve_commands
from benchmarks.raw_modbus import Raw

_TABLE = (
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, board INTEGER NOT NULL, reader INTEGER NOT NULL, at REAL NOT NULL)"
)
_ROW = "INSERT INTO events (seq, board, reader, at) VALUES (?, ?, ?, ?)"

Row = tuple[int, int, int, float]
Rows = SimpleQueue[Row | None]


class RawChain(Raw):
    """Boards polled as bare as can be; every card is also a row."""

    def __init__(self, arguments: dict[str, Any], rows: Rows) -> None:
        super().__init__(arguments)
        self._rows = rows
        self._newest = 0

    def _hear(self, number: int, what: int) -> None:
        super()._hear(number, what)
        self._newest += 1
        self._rows.put((self._newest, number, what, time.time()))


def make_store(path: Path) -> None:
    """An empty one, in WAL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_TABLE)


def keep(path: Path, rows: Rows, kept: Callable[[Sequence[Row]], None]) -> None:
    """Commit what waits, group by group, each synced before it is told to `kept`; None ends it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        more = True
        while more:
            taken = [rows.get()]
            while not rows.empty():
                taken.append(rows.get())
            group = [row for row in taken if row is not None]
            more = len(group) == len(taken)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_ROW, group)
            connection.execute("COMMIT")
            if group:
                kept(group)


async def serve(arguments: dict[str, Any]) -> None:
    """Connect, say so, and do as told until the input ends."""
    store, broker = Path(arguments["store"]), arguments["broker"]
    make_store(store)
    rows: Rows = SimpleQueue()
    client = RawChain(arguments, rows)
    await client.connect()
    loop = asyncio.get_running_loop()
    v5, password = aiomqtt.ProtocolVersion.V5, broker["password"]
    async with aiomqtt.Client("127.0.0.1", broker["port"], protocol=v5, username="secd", password=password) as session:
        sending: set[asyncio.Task[None]] = set()

        def publish(group: Sequence[Row]) -> None:
            for seq, *_ in group:
                sent = asyncio.create_task(session.publish(broker["topic"], json.dumps(seq), qos=1))
                sending.add(sent)
                sent.add_done_callback(sending.discard)

        told = (store, rows, lambda group: loop.call_soon_threadsafe(publish, group))
        keeping = threading.Thread(target=keep, args=told, name="store", daemon=True)
        keeping.start()
        say({"connected": time.time()})
        await serve_commands(client)
        rows.put(None)
        await asyncio.to_thread(keeping.join)


if __name__ == "__main__":
    uvloop.run(serve(json.loads(sys.argv[1])))
