"""What systemd hears, over a real datagram socket; and nothing at all where nobody listens."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from secd.runtime.notify import STATUS_CHARS_MAX, Notifier

ABSTRACT = f"\0secd-test-notify-{os.getpid()}"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    address = str(tmp_path / "notify") if request.param == "path" else ABSTRACT
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(5)
        yield listening, address.replace("\0", "@")


def test_each_word_arrives_as_one_datagram(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    assert [listening.recv(4096) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_reloading_carries_the_monotonic_time_systemd_asks_for(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    Notifier({"NOTIFY_SOCKET": address}).reloading()
    word, _, stamp = listening.recv(4096).decode().partition("\n")
    assert word == "RELOADING=1"
    assert stamp.startswith("MONOTONIC_USEC=")
    assert int(stamp.removeprefix("MONOTONIC_USEC=")) > 0


def test_status_cannot_smuggle_a_second_word_nor_grow(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.status("camera 'x\nMAINPID=1' is away")
    notifier.status("é" * 10_000)
    assert listening.recv(4096) == rb"STATUS=camera 'x\nMAINPID=1' is away"
    assert len(listening.recv(4096).decode()) == STATUS_CHARS_MAX + len("STATUS=")


def test_without_a_manager_every_word_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.status("42/44 doors up")
    notifier.reloading()
    assert notifier.watchdog_s is None
    assert caplog.records == []


def test_manager_that_went_away_is_logged_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with caplog.at_level(logging.WARNING):
        notifier.watchdog()
        notifier.watchdog()
    assert [record.getMessage() for record in caplog.records] == ["the service manager cannot be told"]


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog_interval_is_taken_only_when_meant_for_this_process(
    environment: dict[str, str], interval_s: float | None
) -> None:
    assert Notifier(environment).watchdog_s == interval_s
