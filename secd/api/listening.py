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
KEEP_ALIVE_S_MAX = 15.0
SHUTDOWN_S_MAX = 1.0
_FULL_BODY = b'{"done": false, "code": "busy", "detail": "too many connections to secd: close some"}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)


class _TooMany(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so, and hang up."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
        transport.close()


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
    listening = await asyncio.get_running_loop().create_unix_server(
        lambda: server() if len(server.connections) < CONNECTIONS_MAX else _TooMany(),
        sock=_bind(path),
        backlog=WAITING_MAX,
    )

    async def close() -> None:
        listening.close()
        await runner.cleanup()

    return close


def _bind(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o660)
    return listener
