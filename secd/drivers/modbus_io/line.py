"""What a profile's driver needs of a connection, whether TCP to one board or a serial line with several units on it.

In: requests for one unit, one at a time (hold `turn` for those that belong together). Out: answers from the function
code on.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

PORT_DEFAULT = 502
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


class Line(Protocol):
    """One unit's connection. `turn` is a queue: first come, first served."""

    turn: asyncio.Lock

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""

    async def open(self) -> None:
        """Connect, or LinkLost."""

    def close(self) -> None:
        """End it; what still waits for an answer gets LinkLost."""

    async def ask(self, request: bytes, length: int) -> bytes:
        """Send function code and data; the answer counts `length` bytes from the unit on. Raises NoAnswer, Declined, LinkLost,
        PeerViolation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpPlace:
    """Modbus TCP."""

    host: str
    port: int = PORT_DEFAULT

    def __str__(self) -> str:
        return f"modbus://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPlace:
    """Modbus RTU on a serial device of this machine; every unit on it has to be written with the same speed."""

    path: str
    baud: int = 9600
    parity: str = "N"
    stop: int = 1

    def __str__(self) -> str:
        return f"serial:{self.path}"


def parse_line(address: str) -> TcpPlace | SerialPlace:
    """`tcp://HOST[:PORT]` or `serial:///dev/NAME?baud=9600&parity=N&stop=1`; ValueError says how to write it."""
    return _parse_serial(address) if address.startswith("serial:") else _parse_tcp(address)


def _parse_tcp(address: str) -> TcpPlace:
    if not re.fullmatch(r"tcp://[^/?#@\s]+", address):
        raise ValueError("an address is tcp://HOST, tcp://HOST:PORT or serial:///dev/NAME?baud=9600&parity=N")
    parts = urlsplit(address)
    try:
        port = PORT_DEFAULT if parts.port is None else parts.port
    except ValueError as error:
        raise ValueError("a port is a number from 1 to 65535") from error
    if not parts.hostname or port == 0:
        raise ValueError("an address is tcp://HOST:PORT, with a port from 1 to 65535")
    return TcpPlace(host=parts.hostname, port=port)


def _parse_serial(address: str) -> SerialPlace:
    parts = urlsplit(address)
    if parts.netloc or not re.fullmatch(r"/dev/[A-Za-z0-9._/:-]{1,200}", parts.path) or ".." in parts.path:
        raise ValueError("a serial line is serial:///dev/NAME, with ?baud=9600&parity=N&stop=1 where it differs")
    wanted = dict(parse_qsl(parts.query, keep_blank_values=True))
    baud, parity, stop = wanted.pop("baud", "9600"), wanted.pop("parity", "N"), wanted.pop("stop", "1")
    if wanted:
        raise ValueError(f"a serial line has baud, parity and stop, not {', '.join(sorted(wanted))}")
    if not baud.isdecimal() or int(baud) not in BAUDS:
        raise ValueError(f"a baud rate is one of {', '.join(map(str, BAUDS))}")
    if parity not in {"N", "E", "O"} or stop not in {"1", "2"}:
        raise ValueError("parity is N, E or O, stop is 1 or 2")
    return SerialPlace(path=parts.path, baud=int(baud), parity=parity, stop=int(stop))
