"""Where log lines go: the journal with its fields, JSON lines elsewhere, aligned colour on a terminal.

In: `logging` records with a constant message and `extra=` fields. Out: one datagram or one line each. Refuses to print
a secret (types that print masked, and every text given to `hide`), to let a device's text break a line or move a
cursor (control characters are made visible), and to grow: texts, fields and their number are bounded.
"""

import json
import logging
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from secd.model.secret import Secret

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
TEXT_CHARS_MAX = 2_000
TRACE_CHARS_MAX = 16_000
FIELDS_MAX = 24
HIDDEN_CHARS_MIN = 4
MASK = "••••"

# systemd's priorities are syslog's (sd-daemon(3)); field names are upper case, at most 64 characters (journal fields)
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_COLOURS = {
    logging.DEBUG: "2",
    logging.INFO: "36",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "1;31",
}
_OWN_NAMES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def one_line(text: object, chars_max: int = TEXT_CHARS_MAX) -> str:
    """Foreign text as one bounded line: whatever does not print is written as its escape."""
    line = str(text)[: chars_max + 1]
    if not line.isprintable():
        line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= chars_max else f"{line[: chars_max - 1]}…"


class Redaction:
    """Knows the texts that must not be printed, and turns a record into what may be."""

    def __init__(self) -> None:
        self._hidden: tuple[str, ...] = ()

    def hide(self, secret: Secret) -> None:
        """From now on this text is replaced wherever it would be printed."""
        text = secret.reveal()
        if len(text) >= HIDDEN_CHARS_MIN and text not in self._hidden:
            self._hidden = (*self._hidden, text)

    def mask(self, text: str) -> str:
        """`text` without the hidden ones."""
        for hidden in self._hidden:
            text = text.replace(hidden, MASK)
        return text

    def message(self, record: logging.LogRecord) -> str:
        """The record's message, one line."""
        return one_line(self.mask(record.getMessage()))

    def fields(self, record: logging.LogRecord) -> Iterator[tuple[str, str | int | float | bool | None]]:
        """The record's own fields; plain numbers stay numbers, everything else is text as it prints."""
        own = ((name, value) for name, value in vars(record).items() if name not in _OWN_NAMES)
        for _, (name, value) in zip(range(FIELDS_MAX), own, strict=False):
            plain = value is None or type(value) in {int, float, bool}
            yield name, value if plain else one_line(self.mask(str(value)))

    def trace(self, record: logging.LogRecord) -> str:
        """The record's traceback with every control character but the line breaks made visible; "" without one."""
        if not record.exc_info or record.exc_info[1] is None:
            return ""
        lines = "".join(traceback.format_exception(record.exc_info[1])).splitlines()
        return "\n".join(one_line(self.mask(line)) for line in lines)[-TRACE_CHARS_MAX:]


redaction = Redaction()
"""The process's own: whoever reads a secret hands it to `redaction.hide`."""


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message, then the record's fields."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redaction.message(record),
        }
        line.update((name, value) for name, value in redaction.fields(record) if name not in line)
        if trace := redaction.trace(record):
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


class TerminalLines(logging.Formatter):
    """Aligned text for a person: time, level, message, then name=value in grey."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback under it where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        colour = _COLOURS.get(record.levelno, "0")
        fields = " ".join(f"{name}={value}" for name, value in redaction.fields(record))
        line = f"{at} \x1b[{colour}m{record.levelname.lower():8}\x1b[0m {redaction.message(record)}"
        line = f"{line} \x1b[2m{fields}\x1b[0m" if fields else line
        return f"{line}\n{trace}" if (trace := redaction.trace(record)) else line


class JournalHandler(logging.Handler):
    """journald's native protocol: one datagram a record. A journal that is away or full loses lines, never blocks us."""

    def __init__(self, path: Path = JOURNAL_SOCKET) -> None:
        super().__init__()
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self.lost_count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.sendto(self._datagram(record), self._path)
        except OSError:
            self.lost_count += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()

    def _datagram(self, record: logging.LogRecord) -> bytes:
        fields: list[tuple[str, object]] = [
            ("MESSAGE", redaction.message(record)),
            ("PRIORITY", _PRIORITIES.get(record.levelno, 5)),
            ("SYSLOG_IDENTIFIER", "secd"),
            ("SECD_LOGGER", record.name),
            *((_journal_name(name), value) for name, value in redaction.fields(record)),
        ]
        if trace := redaction.trace(record):
            fields.append(("SECD_TRACE", trace))
        return b"".join(_journal_field(name, str(value)) for name, value in fields)


def configure_logs(level: int = logging.INFO, stream: TextIO | None = None) -> logging.Handler:
    """Send records where `stream` (standard error) leads: ours from `level`, libraries' from WARNING. Returns the handler."""
    stream = sys.stderr if stream is None else stream
    handler = _handler_for(stream)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("secd").setLevel(level)
    return handler


def leads_to_journal(stream: TextIO) -> bool:
    """Is `stream` the one systemd connected to the journal? JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def _handler_for(stream: TextIO) -> logging.Handler:
    if leads_to_journal(stream):
        return JournalHandler()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TerminalLines() if stream.isatty() and "NO_COLOR" not in os.environ else JsonLines())
    return handler


def _journal_name(name: str) -> str:
    letters = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.upper())
    return f"SECD_{letters}"[:64]


def _journal_field(name: str, value: str) -> bytes:
    text = value.encode("utf-8", "backslashreplace")
    if b"\n" in text:
        return name.encode() + b"\n" + len(text).to_bytes(8, "little") + text + b"\n"
    return name.encode() + b"=" + text + b"\n"
