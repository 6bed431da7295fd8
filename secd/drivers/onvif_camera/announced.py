"""Where requests may go: to the inventory's host and nowhere else, whatever the camera says.

In: an address the camera announced (service, pull point, picture). Out: an address at the inventory's host with the
announced path and query, or PeerViolation. No announced user, password or fragment survives.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from secd.model.errors import PeerViolation

PORTS: Final = {"http": 80, "https": 443}
URL_CHARACTERS_MAX: Final = 1024
_VISIBLE: Final = re.compile(r"[!-\[\]-~]*")  # no space, no control, no backslash: browsers and parsers differ on it
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port. The host is lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int

    def at(self, target: str, *, port: int | None = None) -> str:
        """The URL of `target` (path and query, from its first slash) here."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port if port is None else port}{target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The one place a camera is allowed to be: its inventory origin, that host's resolved addresses, its other ports."""

    origin: Origin
    resolved: frozenset[str] = frozenset()
    also_ports: frozenset[int] = frozenset()
    behind_nat: bool = False

    def place(self, announced: object) -> str:
        """The URL to ask instead of `announced`. Raises PeerViolation where that names another host."""
        if not isinstance(announced, str) or len(announced) > URL_CHARACTERS_MAX or not _VISIBLE.fullmatch(announced):
            raise PeerViolation("the camera announced something that is no address")
        try:
            parts = urlsplit(announced)
            there = _origin(parts.scheme, parts.hostname, parts.port)
        except ValueError as error:
            raise PeerViolation(f"the camera announced {announced[:200]!r}, which is no address") from error
        if not self._is_home(there.host) and not self.behind_nat:
            raise PeerViolation(
                f"the camera announced a service at {there.host}, but it is {self.origin.host} in the inventory; "
                "if it is behind address translation, say behind_nat: true"
            )
        target = (parts.path if parts.path.startswith("/") else "/") + (f"?{parts.query}" if parts.query else "")
        return self.origin.at(target, port=there.port if there.port in self.also_ports else None)

    def _is_home(self, host: str) -> bool:
        return host == self.origin.host or host in self.resolved


def parse_origin(text: str) -> Origin:
    """`http(s)://HOST[:PORT]` and nothing after it. Raises ValueError."""
    if not _VISIBLE.fullmatch(text) or len(text) > URL_CHARACTERS_MAX:
        raise ValueError("no spaces or control characters")
    parts = urlsplit(text)
    if parts.path not in {"", "/"} or "?" in text or "#" in text or "@" in text:
        raise ValueError("nothing but scheme, host and port")
    return _origin(parts.scheme, parts.hostname, parts.port)


def _origin(scheme: str, host: str | None, port: int | None) -> Origin:
    if scheme not in PORTS or not host or port == 0:
        raise ValueError("an address begins with http:// or https:// and names a host")
    if ":" in host:
        host = str(ipaddress.IPv6Address(host))
    elif not _HOST.fullmatch(host):
        raise ValueError("no host name looks like that")
    return Origin(scheme=scheme, host=host.lower(), port=PORTS[scheme] if port is None else port)
