"""The Unix socket itself: mode 0660, replacing a dead one, with a bounded number of connections.

In: an application and a path. Out: connections served, or one line that says there are too many: whoever may open the
socket must not be able to use up the daemon's file descriptors, which its devices need.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

CONNECTIONS_MAX = 128
WAITING_MAX = 32
REFUSED_MAX = 64
KEEP_ALIVE_S_MAX = 15.0
SHUTDOWN_S_MAX = 1.0
_FULL_BODY = b'{"done": false, "code": "busy", "detail": "too many connections to secd: close some"}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)


class _TooMany(asyncio.Protocol):
    """Answers the first words with that there are too many, and hangs up. Where too many wait for that, hangs up at once."""

    def __init__(self, told: set[asyncio.BaseTransport]) -> None:
        self._told = told
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its words."""
        self._transport = transport
        self._told.add(transport)
        if len(self._told) > REFUSED_MAX:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Say so, and hang up."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(_FULL)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        if self._transport is not None:
            self._told.discard(self._transport)


async def open_socket(application: web.Application, path: Path) -> Callable[[], Awaitable[None]]:
    """Serve on the Unix socket at `path`; what is returned ends it."""
    runner = web.AppRunner(
        application,
        handle_signals=False,
        access_log=None,
        shutdown_timeout=SHUTDOWN_S_MAX,
        keepalive_timeout=KEEP_ALIVE_S_MAX,
    )
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 -- it was set up above
    refused: set[asyncio.BaseTransport] = set()
    listening = await asyncio.get_running_loop().create_unix_server(
        lambda: server() if len(server.connections) < CONNECTIONS_MAX else _TooMany(refused),
        sock=_bind(path),
        backlog=WAITING_MAX,
    )

    async def close() -> None:
        listening.close()
        for transport in refused:
            transport.close()
        await runner.cleanup()

    return close


def _bind(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o660)
    return listener
