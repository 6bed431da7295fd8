"""One configuration file as text: read with bounds, cut into lines, with what must not be shown masked.

In: a path. Out: a `Source`, or a problem. Refused: what is not a regular file, more than a megabyte, a byte order mark,
text that is not UTF-8, lines of more than 20,000 characters, and characters that a person cannot see.
"""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from secd.model.errors import Problem

FILE_BYTES_MAX = 1_000_000
FILES_MAX = 500
SITE_BYTES_MAX = 20_000_000
LINE_MAX = 20_000

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_UNSEEN = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
    "|[\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069]"
)
_SECRET_KEY = re.compile(r"(?:.*[_-])?(?:password|passwd|passphrase|secret|pin|key|token|number)", re.IGNORECASE)
_SECRET_INLINE = re.compile(
    r"""(?i)(?:password|passwd|passphrase|secret|pin|key|token|number)["']?\s*:\s+([^\s{,}][^,}]*)"""
)


def is_secret_key(key: str) -> bool:
    """Whether a value under this key is not to be shown: a secret, or the number of a card (S21)."""
    return _SECRET_KEY.fullmatch(key) is not None


def visible(text: str) -> str:
    """Whatever cannot be printed as marks, one for one: columns stay, and a log line stays one line."""
    return "".join(character if character.isprintable() else _mark(character) for character in text)


def _mark(character: str) -> str:
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True, kw_only=True)
class Source:
    """A file's text. `shown` is its path as people wrote it, `name` its name inside the site."""

    name: str
    shown: str
    text: str
    lines: list[str] = field(init=False)
    _masks: dict[int, list[tuple[int, int | None]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.lines = _LINE_BREAK.split(self.text)

    def mask(self, start: tuple[int, int], end: tuple[int, int] | None) -> None:
        """Never show what stands from `start` to `end` (line, column, from 1); None: to the end of the start's line."""
        last = start[0] if end is None else end[0]
        for line in range(start[0], last + 1):
            first_column = start[1] if line == start[0] else 1
            self._masks.setdefault(line, []).append(
                (first_column, end[1] if end is not None and line == last else None)
            )

    def line(self, number: int) -> str:
        """One line as it may be shown; columns stay where they are."""
        if not 1 <= number <= len(self.lines):
            return ""
        text = self.lines[number - 1]
        shown = list(text)
        spans = [(first - 1, len(text) if last is None else last - 1) for first, last in self._masks.get(number, ())]
        for first, last in [*spans, *(match.span(1) for match in _SECRET_INLINE.finditer(text))]:
            shown[first:last] = ("•" * min(4, last - first)).ljust(last - first)[: max(0, len(shown) - first)]
        return visible("".join(shown)).rstrip()

    def problem(self, line: int, column: int, message: str, expected: str = "", code: str = "") -> Problem:
        """A mistake at a place of this file."""
        return Problem(
            path=self.shown, line=line, column=column, message=visible(message), expected=visible(expected),
            source_line=self.line(line), code=code,
        )  # fmt: skip


def read_source(path: Path, name: str) -> tuple[bytes, Source | Problem]:
    """The bytes of one file, and its text or why it cannot be used."""
    try:
        content = _read_bounded(path)
    except OSError as error:
        return b"", Problem(
            path=str(path), line=1, column=1, message=f"cannot be read: {error.strerror}", code="unreadable"
        )
    if len(content) > FILE_BYTES_MAX:
        message = f"the file is larger than {FILE_BYTES_MAX} bytes"
        return b"", Problem(
            path=str(path), line=1, column=1, message=message, expected="several files", code="too_large"
        )
    return content, decode(content, name, str(path))


def _read_bounded(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        return file.read(FILE_BYTES_MAX + 1)


def decode(content: bytes, name: str, shown: str) -> Source | Problem:
    """The text of a file's bytes, or the first thing in them that no person can see."""
    try:
        source = Source(name=name, shown=shown, text=content.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = Source(name=name, shown=shown, text=content[: error.start].decode("utf-8", errors="replace"))
        return before.problem(
            len(before.lines), len(before.lines[-1]) + 1, "the text is not UTF-8", "a file saved as UTF-8", "not_utf8"
        )
    if source.text.startswith("\ufeff"):
        return source.problem(1, 1, "the file starts with a byte order mark", "UTF-8 without it", "byte_order_mark")
    long = next((number for number, line in enumerate(source.lines, 1) if len(line) > LINE_MAX), None)
    if long is not None:
        cut = Source(name=name, shown=shown, text="\n" * (long - 1))
        return cut.problem(long, 1, f"a line of more than {LINE_MAX} characters", "several lines", "line_too_long")
    unseen = _UNSEEN.search(source.text)
    if unseen is None:
        return source
    before = Source(name=name, shown=shown, text=source.text[: unseen.start()])
    place = (len(before.lines), len(before.lines[-1]) + 1)
    return source.problem(
        *place,
        f"a character that cannot be seen: U+{ord(unseen[0]):04X}",
        "text without control characters",
        "unseen_character",
    )
