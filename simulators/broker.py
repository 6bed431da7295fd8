"""A real MQTT 5 broker for the demonstration and the tests: rumqttd in a child process, on loopback only.

In: a port (0 picks a free one) and users with passwords. Out: `address`, an `mqtt://` URL.
It persists nothing, so `vanish` and `come_back` are a broker that lost everything. It has no access lists, and it drops
a wrong password without a word (the client sees a timeout): tests of those use Mosquitto.
"""

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from iotcore import Broker

HOST = "127.0.0.1"
PAYLOAD_BYTES_MAX = 1_048_576
_PORTS_FROM, _PORTS = 18_000, 14_000
_STARTS_AT = os.getpid() * 1_117
_CHOSEN = count()
START_TRIES_MAX = 5

_TABLE = """
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 10
[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = {payload_bytes_max}
max_inflight_count = 100
dynamic_filters = true
"""


def free_port() -> int:
    """A loopback port that nobody listens on just now, below the range that outgoing connections are given.

    Each process goes through the range from a place of its own, so that several at once do not choose the same.
    """
    for _ in range(_PORTS):
        port = _PORTS_FROM + (_STARTS_AT + next(_CHOSEN)) % _PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError("no port is free on the loopback")


def broker_table(port: int, users: Mapping[str, str]) -> str:
    """The broker's TOML. No users: everybody may connect."""
    table = _TABLE.format(host=HOST, port=port, payload_bytes_max=PAYLOAD_BYTES_MAX)
    if users:
        table += "[v5.1.connections.auth]\n"
        table += "".join(f"{json.dumps(name)} = {json.dumps(password)}\n" for name, password in users.items())
    return table


class EmbeddedBroker:
    """`async with EmbeddedBroker(users={...}) as broker:`; gone, with its child process, at the end of the block."""

    def __init__(self, port: int = 0, users: Mapping[str, str] | None = None, name: str = "broker") -> None:
        self.name = name
        self._chosen_port = port
        self._users = dict(users or {})
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._broker: Broker | None = None
        self.port = port

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the child process lives."""
        return self._broker is not None and self._broker.is_running

    async def __aenter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="secd-broker-")
        try:
            await self._start_somewhere()
        except BaseException:
            self._directory.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.vanish()
        if self._directory is not None:
            self._directory.cleanup()

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {"vanish": self.vanish, "come_back": self.come_back}

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return {"address": self.address, "running": self.is_running}

    async def vanish(self) -> None:
        """The broker ends; connections break, sessions and retained messages are lost."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await asyncio.to_thread(broker.stop)

    async def come_back(self) -> None:
        """A broker that remembers nothing listens on the same port."""
        if self._directory is None or self._broker is not None:
            raise ValueError("only a broker that vanished can come back")
        table = Path(self._directory.name) / "broker.toml"
        table.write_text(broker_table(self.port, self._users))
        broker = Broker(config_path=str(table))
        await asyncio.to_thread(broker.start)
        self._broker = broker

    async def _start_somewhere(self) -> None:
        """A port found free may be taken before the broker binds it: then another is tried."""
        for attempt in range(START_TRIES_MAX):
            self.port = self._chosen_port or free_port()
            try:
                await self.come_back()
                return
            except OSError:
                if self._chosen_port or attempt == START_TRIES_MAX - 1:
                    raise
