"""What systemd is told: ready, status, watchdog, reloading, stopping (sd_notify(3)). Silent where nobody listens.

In: words. Out: one datagram each to NOTIFY_SOCKET. A socket that is away or full is logged once and never stops secd.
"""

import logging
import os
import socket
from collections.abc import Mapping

from secd.runtime.clock import monotonic_us
from secd.runtime.logs import one_line

STATUS_CHARS_MAX = 300

_log = logging.getLogger(__name__)


class Notifier:
    """Speaks to the service manager named in `environment`; every word is a no-op without one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self._failed = False
        self.watchdog_s = _watchdog_s(environment)
        """How often the manager wants to hear from us, at the latest; None: it does not."""

    def ready(self) -> None:
        """Started, or done reloading."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`. Never says anything of an alarm that may be silent (S12)."""
        self._send(f"STATUS={one_line(text, STATUS_CHARS_MAX)}")

    def watchdog(self) -> None:
        """Still answering. Sent only when intake, engine and writer have answered."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Reading the configuration anew; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us()}")

    def stopping(self) -> None:
        """On the way down."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
                line.sendto(words.encode(), self._address)
        except OSError as error:
            if not self._failed:
                _log.warning("the service manager cannot be told", extra={"reason": str(error)})
            self._failed = True
        else:
            self._failed = False


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """WATCHDOG_USEC, where it is meant for this process (sd_watchdog_enabled(3))."""
    meant_for = environment.get("WATCHDOG_PID", "")
    interval_us = environment.get("WATCHDOG_USEC", "")
    if not interval_us.isdecimal() or (meant_for and meant_for != str(os.getpid())):
        return None
    return int(interval_us) / 1e6
