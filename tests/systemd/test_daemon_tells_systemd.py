"""The daemon as the unit runs it: ready, status, watchdog, reload by SIGHUP, a clean stop, all told over NOTIFY_SOCKET."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "config"
WORD_S_MAX = 30.0
STOP_S_MAX = 5.0


class Service:
    """systemd's side of one daemon."""

    def __init__(self, place: Path) -> None:
        site, self.state, self.runtime = place / "site", place / "state", place / "run"
        shutil.copytree(CONFIG, site)
        number = count(2)
        for path in site.glob("*.yaml"):  # nobody's devices: nobody listens at these addresses, so every link is down
            text = path.read_text()
            path.write_text(re.sub(r"127\.0\.0\.1:\d+", lambda _: f"127.0.0.{next(number)}:9", text))
        self.site = site
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(place / "notify"))
        self._manager.settimeout(1.0)
        environment = {**os.environ, "NOTIFY_SOCKET": str(place / "notify"), "WATCHDOG_USEC": "10000000"}
        command = [sys.executable, "-c", "from secd.cli.main import main; main()", "run", site]
        command += ["--state", self.state, "--runtime", self.runtime]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        self.heard: list[str] = []

    def until(self, holds: Callable[[str], bool]) -> str:
        for _ in range(int(WORD_S_MAX)):
            try:
                word = self._manager.recv(4096).decode()
            except TimeoutError:
                assert self.process.poll() is None, self.close()
                continue
            self.heard.append(word)
            if holds(word):
                return word
        raise AssertionError(self.heard)

    def close(self) -> str:
        if self.process.poll() is None:
            self.process.kill()
        _, errors = self.process.communicate(timeout=WORD_S_MAX)
        self._manager.close()
        return errors


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    own = Service(tmp_path)
    yield own
    own.close()


def test_daemon_is_ready_answers_the_watchdog_reloads_and_stops_cleanly(service: Service) -> None:
    service.until(lambda word: word == "READY=1")
    service.until(lambda word: word == "WATCHDOG=1")
    status = service.until(lambda word: word.startswith("STATUS="))
    assert "0/6 devices up" in status

    service.process.send_signal(signal.SIGHUP)
    reloading = service.until(lambda word: word.startswith("RELOADING=1"))
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", reloading)
    service.until(lambda word: word == "READY=1")

    service.process.send_signal(signal.SIGTERM)
    service.until(lambda word: word == "STOPPING=1")
    assert service.process.wait(timeout=STOP_S_MAX) == 0


def test_no_word_to_systemd_and_no_log_line_holds_a_secret(service: Service) -> None:
    secrets = [path.read_text().strip() for path in (CONFIG / "secrets").iterdir()]
    assert secrets
    service.until(lambda word: word == "READY=1")
    service.until(lambda word: word.startswith("STATUS="))
    service.process.send_signal(signal.SIGTERM)
    service.until(lambda word: word == "STOPPING=1")
    service.process.wait(timeout=STOP_S_MAX)
    told = "\n".join([*service.heard, service.close()])
    assert "a device went away" in told
    assert not [secret for secret in secrets if secret in told]
