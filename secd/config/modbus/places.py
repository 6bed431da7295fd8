"""Where something is in a board's four tables, as a profile writes it: `coil 16`, `holding 0x0200`, or Modicon `40301`.

In: text and the profile's way of counting. Out: a `Place` as the PDU counts, from 0. Refuses what no request can ask for.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from secd.config.types import ScalarError

ADDRESS_MAX = 0xFFFF
Counting: TypeAlias = Literal["from_0", "from_1", "modicon"]
"""`from_0`: as the PDU counts. `from_1`: the first is 1. `modicon`: the first digit is the table, the rest counts from 1."""

_PATTERN = re.compile(r"(coil|discrete|holding|input) (0x[0-9A-Fa-f]{1,4}|[0-9]{1,5})|([0134])([0-9]{4,5})")
_WORD = re.compile(r"0x[0-9A-Fa-f]{1,4}|[0-9]{1,5}")


class Table(IntEnum):
    """The four tables; the value is the function code that reads one (Modbus application protocol V1.1b3, clause 6)."""

    COIL = 1
    DISCRETE = 2
    HOLDING = 3
    INPUT = 4

    @property
    def bits(self) -> bool:
        """Whether one address holds one bit."""
        return self in {Table.COIL, Table.DISCRETE}

    @property
    def writable(self) -> bool:
        """Whether a master may write it."""
        return self in {Table.COIL, Table.HOLDING}


_MODICON = {"0": Table.COIL, "1": Table.DISCRETE, "3": Table.INPUT, "4": Table.HOLDING}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One address of one table, from 0."""

    table: Table
    address: int

    def __add__(self, steps: int) -> "Place":
        return Place(self.table, self.address + steps)

    def __str__(self) -> str:
        return f"{self.table.name.lower()} {self.address}"


def parse_place(text: str, counting: Counting) -> Place:
    """The place that `text` names; ValueError where it is written for another way of counting, or is nowhere."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no place: write `coil 16`, `holding 0x0200` or, counting modicon, `40301`")
    if (match[3] is not None) != (counting == "modicon"):
        raise ValueError(f"{text!r} does not count as the profile says, {counting}")
    if match[3] is not None:
        place = Place(_MODICON[match[3]], int(match[4]) - 1)
    else:
        place = Place(Table[match[1].upper()], int(match[2], 0) - (counting == "from_1"))
    if not 0 <= place.address <= ADDRESS_MAX:
        raise ValueError(f"{text!r} is outside what Modbus can address")
    return place


def parse_word(text: object) -> object:
    """A 16-bit value in digits or as 0x and hexadecimal."""
    if isinstance(text, str):
        if not _WORD.fullmatch(text) or int(text, 0) > ADDRESS_MAX:
            raise ScalarError("a word is 0 to 65535, or 0x0000 to 0xffff")
        return int(text, 0)
    return text


def _checked_place(text: str) -> str:
    if _PATTERN.fullmatch(text) is None:
        raise ScalarError("a place is `coil 16`, `holding 0x0200` or, counting modicon, `40301`")
    return text


PlaceText = Annotated[
    str, AfterValidator(_checked_place), WithJsonSchema({"type": "string", "pattern": rf"^({_PATTERN.pattern})$"})
]
"""A place as written; `parse_place` says where it is."""
Word = Annotated[
    int,
    BeforeValidator(parse_word),
    WithJsonSchema({"type": "string", "pattern": _WORD.pattern, "examples": ["0xff00"]}),
]
