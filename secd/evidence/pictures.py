"""Keeps pictures: each a file of its own, whole or not at all, under its day, never overwritten and never deleted here.

In: a JPEG, the event and camera it belongs to, its moment. Out: where it lies, its SHA-256 and size. Refuses, with
StoreFailed, what would exceed `bytes_max`, and says so when the disk is full or not writable. A crash leaves at most a
`.part` file, removed at the next start. The work is done in a thread.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from secd.model.errors import StoreFailed

PICTURE_BYTES_MAX: Final = 32 * 1024 * 1024
SAME_NAME_MAX: Final = 100
_PART: Final = ".part"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPicture:
    """`path` is relative to the store's directory, so that it stays true when that moves. `sha256` is in hex."""

    path: str
    sha256: str
    size_bytes: int


class EvidenceStore:
    """One directory of pictures, at most `bytes_max` in all. One process writes to it."""

    def __init__(self, directory: Path, bytes_max: int) -> None:
        self._directory = directory
        self._bytes_max = bytes_max
        self._bytes_used: int | None = None
        self._turn = threading.Lock()

    async def keep(self, picture: bytes, *, event: str, camera: str, at: datetime) -> KeptPicture:
        """Put `picture` on the disk, durably. `at` is aware. Raises StoreFailed, one line that says what to do."""
        return await asyncio.to_thread(self._keep, picture, event, camera, at)

    async def read(self, kept: KeptPicture) -> bytes:
        """The picture, proven unchanged. Raises StoreFailed where it is missing or is not what was kept."""
        return await asyncio.to_thread(self._read, kept)

    async def bytes_used(self) -> int:
        """How much the store holds."""
        return await asyncio.to_thread(self._measure)

    def _keep(self, picture: bytes, event: str, camera: str, at: datetime) -> KeptPicture:
        if not picture or len(picture) > PICTURE_BYTES_MAX:
            raise StoreFailed(f"a picture of {len(picture)} bytes is not kept")
        moment = at.astimezone(UTC)
        try:
            with self._turn:
                used = self._measure_in_turn()
                if used + len(picture) > self._bytes_max:
                    raise StoreFailed(
                        f"the evidence directory holds {used} of {self._bytes_max} bytes: move pictures away or allow more"
                    )
                day = self._make_day(moment)
                file = _write(day, f"{moment:%H%M%S}-{_fit(camera)}-{_fit(event)}", picture)
                self._bytes_used = used + len(picture)
        except OSError as error:
            raise StoreFailed(self._sentence(error)) from error
        return KeptPicture(
            path=file.relative_to(self._directory).as_posix(),
            sha256=hashlib.sha256(picture).hexdigest(),
            size_bytes=len(picture),
        )

    def _read(self, kept: KeptPicture) -> bytes:
        file = (self._directory / kept.path).resolve()
        if not file.is_relative_to(self._directory.resolve()):
            raise StoreFailed(f"{kept.path} is not in the evidence directory")
        try:
            with file.open("rb") as opened:
                picture = opened.read(PICTURE_BYTES_MAX + 1)
        except OSError as error:
            raise StoreFailed(f"the picture {kept.path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(picture).hexdigest() != kept.sha256:
            raise StoreFailed(f"the picture {kept.path} is not the one that was kept")
        return picture

    def _measure(self) -> int:
        try:
            with self._turn:
                return self._measure_in_turn()
        except OSError as error:
            raise StoreFailed(self._sentence(error)) from error

    def _measure_in_turn(self) -> int:
        """Count what is there, once; on the way remove what a crash left half written."""
        if self._bytes_used is None:
            used = 0
            for file in self._directory.glob("*/*") if self._directory.is_dir() else ():
                if file.name.endswith(_PART):
                    file.unlink()
                else:
                    used += file.stat().st_size
            self._bytes_used = used
        return self._bytes_used

    def _make_day(self, moment: datetime) -> Path:
        day = self._directory / f"{moment:%Y-%m-%d}"
        if not day.is_dir():
            day.mkdir(mode=0o750, parents=True, exist_ok=True)
            _sync_directory(self._directory)
        return day

    def _sentence(self, error: OSError) -> str:
        if error.errno in _FULL:
            return f"no picture could be kept: the disk of {self._directory} is full"
        return f"no picture could be kept in {self._directory}: {error.strerror or error}"


def _write(day: Path, name: str, picture: bytes) -> Path:
    """Write beside, then link into place: a link, unlike a rename, never replaces what is there."""
    part = day / f".{name}-{os.getpid()}-{threading.get_ident()}{_PART}"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(picture)
            opened.flush()
            os.fsync(opened.fileno())
        file = _link(part, day, name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    _sync_directory(day)
    return file


def _link(part: Path, day: Path, name: str) -> Path:
    for number in range(1, SAME_NAME_MAX + 1):
        file = day / (f"{name}.jpg" if number == 1 else f"{name}-{number}.jpg")
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(part)
            return file
    raise OSError(errno.EEXIST, f"{SAME_NAME_MAX} pictures are named {name} already")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name)[:80] or "_"
