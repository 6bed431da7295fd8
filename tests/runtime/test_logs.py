"""Log lines: one each, with their fields; no secret printed, no device's text able to break out of its line."""

import io
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.model.secret import CardBits, CardNumber, Secret
from secd.runtime.logs import (
    FIELDS_MAX,
    MASK,
    TEXT_CHARS_MAX,
    JournalHandler,
    JsonLines,
    TerminalLines,
    configure_logs,
    leads_to_journal,
    one_line,
    redaction,
)

OURS = logging.getLogger("secd")
LOGGER = logging.getLogger("secd.test.logs")


@pytest.fixture
def own_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, own_level = root.handlers[:], root.level, OURS.level
    root.handlers[:] = []
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    OURS.setLevel(own_level)


def lone_logger(handler: logging.Handler) -> logging.Logger:
    logger = logging.Logger("secd.devices.link")  # noqa: LOG001 -- outside the process's tree, so nobody else hears it
    logger.addHandler(handler)
    return logger


def lines_of(formatter: logging.Formatter, speak: Callable[[logging.Logger], None]) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    speak(lone_logger(handler))
    return stream.getvalue()


def test_json_line_carries_message_level_logger_and_fields() -> None:
    line = json.loads(
        lines_of(JsonLines(), lambda log: log.warning("a device is away", extra={"device": "east-cam", "attempts": 3}))
    )
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "warning", "logger": "secd.devices.link", "message": "a device is away", "device": "east-cam", "attempts": 3,
    }  # fmt: skip


def test_terminal_line_is_aligned_and_shows_the_fields() -> None:
    text = lines_of(TerminalLines(), lambda log: log.info("a device is back", extra={"device": "east-cam"}))
    assert "info    " in text
    assert "a device is back" in text
    assert "device=east-cam" in text


@pytest.mark.parametrize("formatter", [JsonLines(), TerminalLines()])
@pytest.mark.parametrize(
    "value",
    [
        Secret("hunter2-and-more"),
        CardBits(bit_count=26, value=54321987),
        CardNumber(format="H10301", facility=12, number=54321987),
    ],
)
def test_s21_secrets_and_card_numbers_print_masked_wherever_they_stand(
    formatter: logging.Formatter, value: object
) -> None:
    def speak(log: logging.Logger) -> None:
        log.error("read %s and %r", value, value, extra={"field": value, "nested": {"in": [value]}})
        try:
            raise ValueError(value)
        except ValueError:
            log.exception("failed")

    text = lines_of(formatter, speak)
    assert "hunter2" not in text
    assert "54321987" not in text
    assert MASK in text


def test_hidden_text_is_masked_in_messages_fields_and_tracebacks() -> None:
    redaction.hide(Secret("planted-password-471"))

    def speak(log: logging.Logger) -> None:
        try:
            raise OSError("mqtt://secd:planted-password-471@10.0.0.1 refused")
        except OSError:
            log.exception("cannot reach %s", "planted-password-471", extra={"address": "x:planted-password-471"})

    text = lines_of(JsonLines(), speak)
    assert "planted-password-471" not in text
    assert text.count(MASK) >= 3


@given(st.text(max_size=300))
def test_any_foreign_text_becomes_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1


def test_camera_name_cannot_forge_a_line_or_move_the_cursor() -> None:
    evil = "cam\n12:00:00 critical all doors open\x1b[2J\u202e"
    text = lines_of(TerminalLines(), lambda log: log.warning("a device is away: %s", evil, extra={"device": evil}))
    assert text.count("\n") == 1
    assert "\x1b[2J" not in text
    assert r"cam\n12:00:00" in text


def test_texts_fields_and_tracebacks_are_bounded() -> None:
    many = {f"field_{n}": "x" * 10_000 for n in range(100)}
    line = json.loads(lines_of(JsonLines(), lambda log: log.info("y" * 10_000, extra=many)))
    assert len(line["message"]) == TEXT_CHARS_MAX
    assert len([name for name in line if name.startswith("field_")]) == FIELDS_MAX
    assert all(len(line[f"field_{n}"]) == TEXT_CHARS_MAX for n in range(FIELDS_MAX))


def read_fields(datagram: bytes) -> dict[str, str]:
    """The native protocol, read by its own description: NAME=text, or NAME, newline, 64-bit length, bytes, newline."""
    fields = {}
    while datagram:
        head, _, rest = datagram.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if equals:
            datagram = rest
        else:
            size = int.from_bytes(rest[:8], "little")
            value, datagram = rest[8 : 8 + size], rest[9 + size :]
        fields[name.decode()] = value.decode()
    return fields


def test_journal_gets_native_fields_and_a_traceback_of_many_lines(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(5)
        handler = JournalHandler(tmp_path / "journal")
        logger = lone_logger(handler)
        try:
            raise OSError("no route")
        except OSError:
            logger.exception("a device is away", extra={"device": "east-cam", "evil=\nname": "a\nMESSAGE=forged"})
        fields = read_fields(journal.recv(1 << 20))
        handler.close()
    assert fields["MESSAGE"] == "a device is away"
    assert fields["PRIORITY"] == "3"
    assert fields["SYSLOG_IDENTIFIER"] == "secd"
    assert fields["SECD_DEVICE"] == "east-cam"
    assert fields["SECD_EVIL__NAME"] == r"a\nMESSAGE=forged"
    assert "OSError: no route" in fields["SECD_TRACE"].splitlines()[-1]


def test_journal_that_is_away_loses_lines_and_blocks_nothing(tmp_path: Path) -> None:
    handler = JournalHandler(tmp_path / "nobody")
    lone_logger(handler).error("a device is away")
    handler.close()
    assert handler.lost_count == 1


def test_stream_that_systemd_connected_is_known_by_device_and_inode(monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.fstat(sys.__stderr__.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    assert leads_to_journal(sys.__stderr__)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
    assert not leads_to_journal(sys.__stderr__)
    assert not leads_to_journal(io.StringIO())


@pytest.mark.usefixtures("own_root")
def test_configured_logs_replace_the_former_handler_and_write_json_to_a_file(tmp_path: Path) -> None:
    with (tmp_path / "first").open("w") as first, (tmp_path / "second").open("w") as second:
        configure_logs(stream=first)
        configure_logs(stream=second)
        LOGGER.info("a device is back", extra={"device": "east-cam"})
    assert (tmp_path / "first").read_text() == ""
    assert json.loads((tmp_path / "second").read_text())["device"] == "east-cam"


@pytest.mark.usefixtures("own_root")
def test_libraries_are_heard_from_warnings_up() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    library = logging.getLogger("somebody.elses")
    library.info("set up plugin")
    library.warning("connection pool is full")
    LOGGER.info("a device is back")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "connection pool is full",
        "a device is back",
    ]
