"""One daemon per store: an exclusive flock on `<store>.lock`, held while the process lives.

The file says who holds it, for the message to the person who starts a second one. It is never deleted: removing a lock
file opens a race that the flock does not have.
"""

import fcntl
import os
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from secd.model.errors import StoreFailed


class StoreHeld(StoreFailed):
    """Another daemon has the store. Starting guards nothing here: the other one does."""


class StoreLock:
    """The lock of one store. `take` is harmless when it is held already."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def take(self, started: datetime) -> None:
        """Hold the lock. `StoreHeld` when another process does; `OSError` when the disk will not have the file."""
        if self._descriptor is not None:
            return
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StoreHeld(f"the store {self._path.name.removesuffix('.lock')} is held by {self._holder()}") from error
        self._descriptor = descriptor
        self._sign(descriptor, started)

    def release(self) -> None:
        """Let the store go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)  # a read-only disk can still be locked

    def _sign(self, descriptor: int, started: datetime) -> None:
        who = {
            "pid": os.getpid(),
            "started": started.isoformat(timespec="seconds"),
            "command": " ".join(sys.argv)[:500],
        }
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.json.encode(who), 0)
        except OSError:
            return  # full or read-only: the lock holds all the same, only the name on it is missing

    def _holder(self) -> str:
        try:
            who = msgspec.json.decode(self._path.read_bytes(), type=dict[str, int | str])
        except (OSError, msgspec.MsgspecError):
            return "another process, which left no name"
        return f"process {who.get('pid')}, started {who.get('started')}: {who.get('command')}"
