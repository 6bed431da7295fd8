"""Modbus RTU over a serial device: several units share one bus, one request on it at a time, believed only with unit and
checksum.

In: requests of one unit (`SerialUnit`, a `Line`). Out: answers. Refuses frames of other units and damaged ones: on a
wire noise is ordinary, so they count as no answer. An answer that comes after its deadline could pass for the next
one's, as RTU numbers nothing; so after silence a unit is asked again only when its time has passed once more. Never
retries, never logs a frame.

The device is opened by its first unit and closed by its last: docs/adr/0005-serial-line.md says why no library does it.
"""

import asyncio
import errno
import fcntl
import os
import termios

from secd.drivers.modbus_io.connection import Declined, NoAnswer
from secd.drivers.modbus_io.line import SerialPlace
from secd.model.errors import LinkLost

_EXCEPTION = 0x80
_EXCEPTION_BYTES = 5
_CHECKSUM_BYTES = 2
_FRAME_BYTES_MAX = 256
_GAP_CHARACTERS = 3.5
_GAP_S_MIN = 0.00175
"""Modbus over Serial Line V1.02, clause 2.5.1.1: 3.5 characters of silence between frames, 1.75 ms above 19200 baud."""
_SPEEDS = {
    1200: termios.B1200, 2400: termios.B2400, 4800: termios.B4800, 9600: termios.B9600, 19200: termios.B19200,
    38400: termios.B38400, 57600: termios.B57600, 115200: termios.B115200,
}  # fmt: skip
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _ISPEED, _OSPEED, _CC = range(7)


def checksum(frame: bytes) -> bytes:
    """CRC-16 of Modbus over Serial Line V1.02, clause 6.2.2, low byte first."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


class SerialUnit:
    """One unit on a bus, as a Line."""

    def __init__(self, place: SerialPlace, *, unit: int, timeout_s: float) -> None:
        self._place = place
        self._bus = _bus_at(place)
        self._unit = unit
        self._timeout_s = timeout_s
        self._late = False
        self._open = False
        self.turn = self._bus.turn

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self._open and self._bus.trouble is None

    async def open(self) -> None:
        """Take part in the bus, or LinkLost."""
        self._bus = _bus_at(self._place)
        self.turn = self._bus.turn
        self._bus.join()
        self._open = True

    def close(self) -> None:
        """Leave the bus; the last one closes the device."""
        if self._open:
            self._open = False
            self._bus.leave()

    async def ask(self, request: bytes, length: int) -> bytes:
        """One request and its answer from the function code on."""
        if not self._open:
            raise LinkLost("the serial line was closed")
        if self._late:
            await self._bus.listen_away(self._timeout_s)
            self._late = False
        try:
            answer = await self._bus.exchange(self._unit, request, length, self._timeout_s)
        except (NoAnswer, asyncio.CancelledError):
            self._late = True
            raise
        if answer[0] & _EXCEPTION:
            raise Declined(answer[1])
        return answer


class _Bus:
    """One serial device. `trouble` is set once it broke; the next who joins an empty bus opens it anew."""

    def __init__(self, place: SerialPlace) -> None:
        self.place = place
        self.turn = asyncio.Lock()
        self.trouble: str | None = "not open"
        self._users = 0
        self._file = -1
        self._held = b""
        self._arrived: asyncio.Future[None] | None = None
        self._character_s = 11 / place.baud

    def join(self) -> None:
        """One more unit is used; the first one opens the device."""
        if self.trouble is not None:
            self._shut()
            self._file = _open(self.place)
            asyncio.get_running_loop().add_reader(self._file, self._readable)
            self.trouble = None
        self._users += 1

    def leave(self) -> None:
        """One unit fewer."""
        self._users -= 1
        if self._users <= 0:
            self._users = 0
            self._fail("the serial line was closed")
            self._shut()
            if _BUSES.get(self.place.path) is self:
                del _BUSES[self.place.path]

    async def exchange(self, unit: int, request: bytes, length: int, timeout_s: float) -> bytes:
        """Send one frame and await the whole one that answers it; the caller holds the turn."""
        frame = bytes((unit,)) + request
        frame += checksum(frame)
        await self.listen_away(max(_GAP_S_MIN, _GAP_CHARACTERS * self._character_s))
        self._write(frame)
        on_the_wire_s = (len(frame) + length + _CHECKSUM_BYTES) * self._character_s
        try:
            async with asyncio.timeout(timeout_s + on_the_wire_s):
                while True:
                    answer = self._whole(unit, request[0], length)
                    if answer is not None:
                        return answer
                    await self._more()
        except TimeoutError:
            heard = "only damaged or foreign frames" if self._held else "nothing"
            raise NoAnswer(
                f"no answer from unit {unit} on {self.place.path} within {timeout_s} s: {heard} came"
            ) from None

    async def listen_away(self, seconds: float) -> None:
        """Let what still comes pass by for so long."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._held = b""
                    await self._more()
        except TimeoutError:
            self._held = b""

    async def _more(self) -> None:
        if self.trouble is not None:
            raise LinkLost(self.trouble)
        self._arrived = asyncio.get_running_loop().create_future()
        try:
            await self._arrived
        finally:
            self._arrived = None
        if self.trouble is not None:
            raise LinkLost(self.trouble)

    def _whole(self, unit: int, function: int, length: int) -> bytes | None:
        """The answer, once it is all there; bytes before it that are none are passed over."""
        held = self._held
        for start in range(len(held)):
            rest = held[start:]
            if rest[0] != unit or len(rest) < 2 or rest[1] & ~_EXCEPTION != function:
                continue
            size = _EXCEPTION_BYTES if rest[1] & _EXCEPTION else length + _CHECKSUM_BYTES
            if len(rest) >= size and checksum(rest[: size - _CHECKSUM_BYTES]) == rest[size - _CHECKSUM_BYTES : size]:
                return rest[1 : size - _CHECKSUM_BYTES]
        return None

    def _write(self, frame: bytes) -> None:
        if self.trouble is not None:
            raise LinkLost(self.trouble)
        try:
            sent = os.write(self._file, frame)
        except OSError as error:
            self._fail(f"{self.place.path}: {error.strerror}")
            raise LinkLost(f"{self.place.path}: {error.strerror}") from error
        if sent != len(frame):
            self._fail(f"{self.place.path} takes no more bytes")
            raise LinkLost(f"{self.place.path} takes no more bytes")

    def _readable(self) -> None:
        try:
            came = os.read(self._file, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            reason = "its other end is gone" if error.errno == errno.EIO else error.strerror
            self._fail(f"{self.place.path}: {reason}")
            return
        if not came:
            self._fail(f"{self.place.path} was unplugged")
            return
        self._held = (self._held + came)[-2 * _FRAME_BYTES_MAX :]
        self._wake()

    def _fail(self, trouble: str) -> None:
        if self.trouble is None:
            self.trouble = trouble
            asyncio.get_running_loop().remove_reader(self._file)
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._held = b""


_BUSES: dict[str, _Bus] = {}
"""The devices in use, by path: a serial device is one thing in this machine, whoever talks through it."""


def _bus_at(place: SerialPlace) -> _Bus:
    bus = _BUSES.get(place.path)
    if bus is None or bus.place != place:
        bus = _BUSES[place.path] = _Bus(place)
    return bus


def _open(place: SerialPlace) -> int:
    """The device, raw, at its speed, and ours alone."""
    try:
        file = os.open(place.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LinkLost(f"{place.path} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mode = termios.tcgetattr(file)
        mode[_IFLAG] = mode[_OFLAG] = mode[_LFLAG] = 0
        control = termios.CS8 | termios.CREAD | termios.CLOCAL
        control |= termios.CSTOPB if place.stop == 2 else 0
        control |= {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}[place.parity]
        mode[_CFLAG] = control
        mode[_ISPEED] = mode[_OSPEED] = _SPEEDS[place.baud]
        mode[_CC][termios.VMIN], mode[_CC][termios.VTIME] = 1, 0
        termios.tcsetattr(file, termios.TCSANOW, mode)
        termios.tcflush(file, termios.TCIOFLUSH)
    except BlockingIOError as error:
        os.close(file)
        raise LinkLost(f"{place.path} is used by another program") from error
    except (OSError, termios.error) as error:
        os.close(file)
        raise LinkLost(f"{place.path} is no serial line that can be set up: {error}") from error
    return file
