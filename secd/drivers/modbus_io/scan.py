"""What one poll of a board asks for: the fewest block reads that cover the places its profile names.

In: runs of places. Out: blocks, and after reading them a `Scan` that knows the value of every place. Nothing between
two wanted places is read unless the profile's `gap` allows it: many boards answer an exception to addresses they do not
have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secd.config.modbus.format import Limits
from secd.config.modbus.places import Place, Table
from secd.drivers.modbus_io.line import Line
from secd.drivers.modbus_io.requests import Request, read_request, read_values


@dataclass(frozen=True, slots=True)
class Run:
    """`count` addresses from `place` that are read in one request, so that they belong to one moment."""

    place: Place
    count: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """One read request."""

    place: Place
    count: int
    request: Request


class Scan:
    """The values of places, as read."""

    def __init__(self) -> None:
        self._values: dict[tuple[Table, int], int] = {}

    def take(self, block: Block, values: Sequence[int]) -> None:
        """The answer to one block."""
        table, start = block.place.table, block.place.address
        self._values.update({(table, start + at): value for at, value in enumerate(values)})

    def __getitem__(self, place: Place) -> int:
        return self._values[place.table, place.address]

    def bit(self, place: Place, at: int) -> int:
        """Bit `at` counted from `place`: the coil so far behind it, or the bit of the register it falls into, lowest first."""
        if place.table.bits:
            return self[place + at]
        return self[place + at // 16] >> at % 16 & 1

    def number(self, place: Place, words: int, *, high_first: bool) -> int:
        """A number of several words."""
        parts = [self[place + at] for at in range(words)]
        value = 0
        for part in parts if high_first else reversed(parts):
            value = value << 16 | part
        return value


def plan(runs: Iterable[Run], limits: Limits) -> tuple[Block, ...]:
    """The blocks that read all `runs`; each run whole in one of them where the limits allow it."""
    merged: list[tuple[Place, int]] = []
    for run in sorted(runs, key=lambda run: run.place):
        most = limits.bits if run.place.table.bits else limits.words
        if merged:
            first, count = merged[-1]
            together = run.place.address + run.count - first.address
            near = run.place.address <= first.address + count + limits.gap
            if first.table is run.place.table and near and max(together, count) <= most:
                merged[-1] = (first, max(together, count))
                continue
        merged.extend((run.place + at, min(most, run.count - at)) for at in range(0, run.count, most))
    return tuple(Block(place, count, read_request(place, count)) for place, count in merged)


async def read(line: Line, blocks: Iterable[Block]) -> Scan:
    """Read the blocks, one after the other; the caller holds the line's turn."""
    scan = Scan()
    for block in blocks:
        scan.take(block, read_values(block.request, await line.ask(block.request.pdu, block.request.length)))
    return scan
