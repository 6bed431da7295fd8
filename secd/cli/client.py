"""A small HTTP client for the daemon's Unix socket: standard library only, so that commands start fast.

In: a path and perhaps a body. Out: the reply as JSON, or an end of the command with the right exit code and a line that
says what to do next.
"""

import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import click

DEFAULT_SOCKET = "/run/secd/secd.sock"
ANSWER_S_MAX = 10.0
UNREACHABLE = 4
REFUSED = 5
FAILED = 1

socket_option = click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path),
    default=lambda: Path(os.environ.get("SECD_SOCKET", DEFAULT_SOCKET)),
    show_default=DEFAULT_SOCKET,
    help="The daemon's Unix socket; $SECD_SOCKET names another.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
reason_option = click.option("--reason", required=True, help="Why; it is kept in the log with your name.")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get(path: Path, where: str, query: Mapping[str, str] | None = None) -> Any:
    """The JSON at `where`, or the end of the command."""
    return _ask(path, "GET", where + _query(query), None)


def post(path: Path, where: str, body: Mapping[str, Any], *, answer_s_max: float | None = ANSWER_S_MAX) -> Any:
    """Send a command; returns the daemon's answer when it is done, ends with exit code 5 when it was refused."""
    told = {key: value for key, value in body.items() if value is not None}
    return _ask(path, "POST", where, told, answer_s_max)


def follow(path: Path, where: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
    """JSON objects as they come, until the daemon or the person ends it."""
    connection = _UnixConnection(path, None)
    response = _send(connection, path, "GET", where + _query(query), None)
    if response.status != 200:
        _end(response.status, json.loads(response.read()))
    while line := response.readline():
        yield json.loads(line)


def segment(name: str) -> str:
    """A name as one piece of a path."""
    return quote(name, safe="")


def _query(query: Mapping[str, str] | None) -> str:
    return f"?{urlencode(query)}" if query else ""


def _ask(
    path: Path, method: str, where: str, body: Mapping[str, Any] | None, answer_s_max: float | None = ANSWER_S_MAX
) -> Any:
    connection = _UnixConnection(path, answer_s_max)
    response = _send(connection, path, method, where, body)
    answer = json.loads(response.read())
    if response.status != 200:
        _end(response.status, answer)
    return answer


def _send(
    connection: _UnixConnection, path: Path, method: str, where: str, body: Mapping[str, Any] | None
) -> http.client.HTTPResponse:
    try:
        connection.request(method, where, None if body is None else json.dumps(body))
        return connection.getresponse()
    except PermissionError:
        _fail(UNREACHABLE, f"no permission to open {path}: ask for membership of the group that owns it")
    except OSError as error:
        _fail(
            UNREACHABLE,
            f"secd does not answer at {path} ({error.strerror or error}): is it running? `systemctl status secd`",
        )


def _end(status: int, answer: Mapping[str, Any]) -> NoReturn:
    code = {400: 2, 500: FAILED, 503: UNREACHABLE}.get(status, REFUSED)
    _fail(code, f"{answer.get('code', status)}: {answer.get('detail', 'no reason given')}")


def _fail(code: int, line: str) -> NoReturn:
    click.echo(f"secd: {line}", err=True)
    sys.exit(code)
