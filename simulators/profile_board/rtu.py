"""Modbus RTU over a pseudo-terminal: boards of several units on one simulated bus.

In: bytes a master writes to the terminal at `path`. Out: whole answers of the unit that was asked, a while later if
told so. Frames are told apart by their length and checksum, as a pseudo-terminal has no silence; damaged ones are
passed over. No unit, no answer.
"""

import asyncio
import os
import tty
from collections.abc import Callable
from typing import Final, Self

_HELD_MAX: Final = 1024

Answer = Callable[[bytes], bytes]
"""From a request, function code on, to its answer."""


def checksum(frame: bytes) -> bytes:
    """CRC-16 as on the wire: Modbus over Serial Line V1.02, clause 6.2.2."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value, odd = value >> 1, value & 1
            value ^= 0xA001 * odd
    return bytes((value & 0xFF, value >> 8))


class RtuBus:
    """One line. `units` may change while it runs; `delay_s` holds every answer, `spoil_next` damages that many."""

    def __init__(self, units: dict[int, Answer] | None = None) -> None:
        self.units: dict[int, Answer] = {} if units is None else units
        self.delay_s = 0.0
        self.spoil_next = 0
        self.request_count = 0
        self.path = ""
        self._ours = self._theirs = -1
        self._held = b""
        self._timers: set[asyncio.TimerHandle] = set()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Open the terminal; returns the path a master opens."""
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.path = os.ttyname(self._theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._readable)
        return self.path

    def stop(self) -> None:
        """Unplug: whoever has it open reads an end."""
        if self._ours < 0:
            return
        asyncio.get_running_loop().remove_reader(self._ours)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1

    def send(self, raw: bytes) -> None:
        """Put bytes on the line, whoever asked."""
        os.write(self._ours, raw)

    def _readable(self) -> None:
        self._held = (self._held + os.read(self._ours, 4096))[-_HELD_MAX:]
        while self._held:
            size = _request_size(self._held)
            if size == 0:
                return
            frame = self._held[:size]
            if size < 4 or checksum(frame[:-2]) != frame[-2:]:
                self._held = self._held[1:]
                continue
            self._held = self._held[size:]
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        answer = self.units.get(frame[0])
        if answer is None:
            return
        self.request_count += 1
        said = frame[:1] + answer(frame[1:-2])
        said += checksum(said)
        if self.spoil_next:
            self.spoil_next -= 1
            said = said[:-1] + bytes((said[-1] ^ 0x55,))
        if not self.delay_s:
            self.send(said)
            return
        timer = asyncio.get_running_loop().call_later(self.delay_s, self.send, said)
        self._timers.add(timer)


def _request_size(held: bytes) -> int:
    """The length of the request at the head; 0 when more bytes are needed, 1 when there is none."""
    if len(held) < 2:
        return 0
    if held[1] in {1, 2, 3, 4, 5, 6}:
        size = 8
    elif held[1] in {15, 16}:
        if len(held) < 7:
            return 0
        size = 9 + held[6]
    else:
        return 1
    return size if len(held) >= size else 0
