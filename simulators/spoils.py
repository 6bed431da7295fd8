"""One message of a link, and what can become of it: pure bytes in, pieces out. `FaultyLink` sends them.

Nothing here is endless: a flood is a mebibyte, a split at most 64 pieces.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FLOOD_BYTES: Final = 1 << 20
SPLIT_PIECES_MAX: Final = 64

Framing = Callable[[bytes], int]
"""Length of the first whole message at the head of these bytes; 0 when more are needed."""


class Towards(StrEnum):
    """Which direction is spoiled."""

    CLIENT = "client"
    SERVER = "server"


class Spoil(StrEnum):
    """What happens to one message."""

    LOST = "lost"
    GARBAGE = "garbage"
    GARBAGE_BEFORE = "garbage_before"
    HALF = "half"
    TWICE = "twice"
    SPLIT = "split"
    RESET = "reset"
    FLOOD = "flood"
    OTHER_TRANSACTION = "other_transaction"
    OTHER_UNIT = "other_unit"


class Then(StrEnum):
    """What becomes of the connection after a spoiled message."""

    GOES_ON = "goes_on"
    SILENT = "silent"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """A message as it is sent after all: in these pieces, apart in time."""

    pieces: tuple[bytes, ...] = ()
    then: Then = Then.GOES_ON


def any_bytes(head: bytes) -> int:
    """Whatever came in one read is one message: for protocols of one short reply to one request."""
    return len(head)


def modbus_frames(head: bytes) -> int:
    """Modbus/TCP: six bytes of header, then as many as its length field says."""
    if len(head) < 6:
        return 0
    size = 6 + int.from_bytes(head[4:6], "big")
    return size if len(head) >= size else 0


def spoil_message(message: bytes, spoil: Spoil, chance: random.Random) -> Spoiled:
    """`message` as `spoil` leaves it. The last two are Modbus/TCP's: its transaction is bytes 0-1, its unit byte 6."""
    match spoil:
        case Spoil.LOST:
            return Spoiled()
        case Spoil.GARBAGE:
            return Spoiled(pieces=(chance.randbytes(len(message)),))
        case Spoil.GARBAGE_BEFORE:
            return Spoiled(pieces=(chance.randbytes(7), message))
        case Spoil.HALF:
            return Spoiled(pieces=(message[: len(message) // 2],), then=Then.SILENT)
        case Spoil.TWICE:
            return Spoiled(pieces=(message, message))
        case Spoil.SPLIT:
            alone = tuple(message[at : at + 1] for at in range(min(len(message), SPLIT_PIECES_MAX)))
            return Spoiled(pieces=(*alone, message[SPLIT_PIECES_MAX:]))
        case Spoil.RESET:
            return Spoiled(then=Then.RESET)
        case Spoil.FLOOD:
            return Spoiled(pieces=(chance.randbytes(FLOOD_BYTES),))
        case Spoil.OTHER_TRANSACTION:
            return Spoiled(pieces=(bytes(byte ^ 0x55 for byte in message[:2]) + message[2:],))
        case Spoil.OTHER_UNIT:
            return Spoiled(pieces=(message[:6] + bytes(byte ^ 0x55 for byte in message[6:7]) + message[7:],))
