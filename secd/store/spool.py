"""A second place for entries while the store is degraded, and the reserve that is let go when the disk is full.

The spool is one JSON line an entry, synced, bounded. It is merged into the store at the next open and then emptied.
A torn last line is what a power cut leaves; it is counted, never guessed at.
"""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from secd.model.entry import Entry, StateRow
from secd.model.errors import Fault
from secd.store.batch import UNENCODABLE
from secd.store.codec import decode_entry, encode_entry
from secd.store.stored import StartState

SPOOL_BYTES_MAX = 64 * 1024 * 1024


class Spool:
    """The second place. Without a path it takes nothing. Written by the guard thread, emptied by the writer."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, entries: Iterable[Entry]) -> bool:
        """Append and sync. False when there is no such place, it is full, or it fails too."""
        if self._path is None:
            return False
        lines = b"".join(line for entry in entries for line in _line_of(entry))
        with self._lock:
            try:
                with self._path.open("ab") as file:
                    if file.tell() + len(lines) > SPOOL_BYTES_MAX:
                        return False
                    file.write(lines)
                    file.flush()
                    os.fsync(file.fileno())
                    if file.tell() == len(lines):
                        _sync_directory(self._path.parent)
            except OSError:
                return False
        return True

    def read(self) -> tuple[list[Entry], int]:
        """The entries in order, and how many lines were not one."""
        if self._path is None:
            return [], 0
        try:
            with self._lock, self._path.open("rb") as file:
                raw = file.read(SPOOL_BYTES_MAX)
        except OSError:
            return [], 0
        entries, torn = [], 0
        for line in raw.split(b"\n"):
            try:
                if line:
                    entries.append(decode_entry(line))
            except Fault:
                torn += 1
        return entries, torn

    def clear(self) -> None:
        """What was in it is stored."""
        if self._path is not None:
            with self._lock, suppress(OSError):
                self._path.unlink(missing_ok=True)


class Ballast:
    """Space held back on the store's disk. Released on ENOSPC, so that what matters most can still be written."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path.with_name(path.name + ".ballast")
        self._size_bytes = size_bytes

    def hold(self) -> None:
        """Make the reserve where it is missing and the disk has twice its size to spare."""
        with suppress(OSError):
            if self._size_bytes == 0 or (self._path.exists() and self._path.stat().st_size >= self._size_bytes):
                return
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < 2 * self._size_bytes:
                return
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)

    def release(self) -> bool:
        """Give the space back; True when there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def overlay(start: StartState, entries: Iterable[Entry]) -> StartState:
    """What would be stored had the spooled entries been written: for a start while they cannot be."""
    rows = {(row.kind, row.key): row for row in start.rows}
    alarms = {alarm.id: alarm for alarm in start.open_alarms}
    desired = {lock.door: lock for lock in start.desired}
    cursors, last = dict(start.cursors), start.last
    for entry in entries:
        rows.update({(row.kind, row.key): row for row in entry.verdict.changes})
        alarms.update({alarm.id: alarm for alarm in entry.verdict.alarms})
        desired.update({lock.door: lock for lock in entry.verdict.desired})
        cursors.update([entry.cursor] if entry.cursor is not None else [])
        if last is None or entry.event.detected.mono_s > last.mono_s:
            last = entry.event.detected
    kept: tuple[StateRow, ...] = tuple(row for row in rows.values() if row.value is not None)
    return replace(
        start,
        last=last,
        rows=kept,
        open_alarms=tuple(alarm for alarm in alarms.values() if not alarm.closed),
        desired=tuple(desired.values()),
        cursors=cursors,
    )


def _sync_directory(path: Path) -> None:
    """A new file is found after a power cut only once its directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line_of(entry: Entry) -> list[bytes]:
    try:
        return [encode_entry(entry) + b"\n"]
    except (Fault, *UNENCODABLE):
        return []  # poison: the writer says so when its turn comes
