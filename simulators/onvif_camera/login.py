"""Who may call: the WS-Security username token, and HTTP digest. Both remember what they saw, so that nothing is replayed.

In: request headers. Out: accepted, stale or refused. The token's time is judged by the camera's own clock, right or wrong.
(OASIS Web Services Security UsernameToken Profile 1.1; RFC 7616.)
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from simulators.faults import Login, SimulatedClock
from simulators.onvif_camera.soap import NAMESPACES, Call, SoapFault

TOKEN_WINDOW_S: Final = 60.0
NONCES_MAX: Final = 4096
HTTP_NONCE_S: Final = 300.0
_PAIR: Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class TokenGate:
    """Checks WS-Security username tokens with a password digest."""

    def __init__(self, login: Login, clock: SimulatedClock) -> None:
        self._login = login
        self._clock = clock
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def carried_by(self, call: Call) -> bool:
        """Whether the request brings a token at all."""
        return call.header is not None and call.header.find("wsse:Security/wsse:UsernameToken", NAMESPACES) is not None

    def check(self, call: Call) -> None:
        """Raise SoapFault unless the token is right, fresh and new."""
        if not self._holds(call):
            raise SoapFault("Sender not authorized", "ter:NotAuthorized")

    def _holds(self, call: Call) -> bool:
        if call.header is None:
            return False
        token = call.header.find("wsse:Security/wsse:UsernameToken", NAMESPACES)
        if token is None:
            return False
        username, said, nonce_text, created = (
            token.findtext(name, "", NAMESPACES).strip()
            for name in ("wsse:Username", "wsse:Password", "wsse:Nonce", "wsu:Created")
        )
        try:
            nonce = base64.b64decode(nonce_text, validate=True)
            moment = datetime.fromisoformat(created)
        except (binascii.Error, ValueError):
            return False
        digest = hashlib.sha1(nonce + created.encode() + self._login.password.encode())  # noqa: S324  the profile's hash
        right = base64.b64encode(digest.digest()).decode()
        off_s = abs((moment.replace(tzinfo=moment.tzinfo or UTC) - self._clock.utc()).total_seconds())
        if username != self._login.username or not hmac.compare_digest(said, right) or off_s > TOKEN_WINDOW_S:
            return False
        return nonce not in self._seen and self._remember(nonce)

    def _remember(self, nonce: bytes) -> bool:
        self._seen[nonce] = None
        while len(self._seen) > NONCES_MAX:
            self._seen.popitem(last=False)
        return True


class HttpVerdict(StrEnum):
    """What an Authorization header is worth."""

    ACCEPTED = "accepted"
    STALE = "stale"
    REFUSED = "refused"


@dataclass(slots=True)
class _Issued:
    ends_mono_s: float
    count: int = 0


class HttpDigestGate:
    """RFC 7616 with qop=auth. Each nonce lives `HTTP_NONCE_S` and each of its counts is good once."""

    realm: Final = "simulated camera"

    def __init__(self, login: Login, clock: SimulatedClock, algorithms: tuple[str, ...]) -> None:
        self._login = login
        self._clock = clock
        self._algorithms = algorithms
        self._issued: OrderedDict[str, _Issued] = OrderedDict()

    def challenges(self, *, stale: bool) -> list[str]:
        """WWW-Authenticate values, the preferred algorithm first."""
        return [self._challenge(algorithm, stale=stale) for algorithm in self._algorithms]

    def expire(self) -> None:
        """Make every nonce stale."""
        for issued in self._issued.values():
            issued.ends_mono_s = self._clock.mono_s()

    def check(self, header: str, method: str, uri: str) -> HttpVerdict:
        """Judge one Authorization header."""
        scheme, _, rest = header.partition(" ")
        said = {key.lower(): quoted or bare for key, quoted, bare in _PAIR.findall(rest)}
        algorithm = said.get("algorithm", "MD5")
        issued = self._issued.get(said.get("nonce", ""))
        if scheme.lower() != "digest" or algorithm not in self._algorithms or said.get("uri") != uri:
            return HttpVerdict.REFUSED
        if not hmac.compare_digest(said.get("response", ""), self._expected(said, algorithm, method)):
            return HttpVerdict.REFUSED
        count = int(said["nc"], 16) if re.fullmatch(r"[0-9a-fA-F]{8}", said.get("nc", "")) else 0
        if issued is None or issued.ends_mono_s <= self._clock.mono_s() or count <= issued.count:
            return HttpVerdict.STALE
        issued.count = count
        return HttpVerdict.ACCEPTED

    def _challenge(self, algorithm: str, *, stale: bool) -> str:
        nonce = secrets.token_hex(16)
        self._issued[nonce] = _Issued(self._clock.mono_s() + HTTP_NONCE_S)
        while len(self._issued) > NONCES_MAX:
            self._issued.popitem(last=False)
        return (
            f'Digest realm="{self.realm}", qop="auth", algorithm={algorithm}, nonce="{nonce}", '
            f'opaque="{secrets.token_hex(8)}", stale={"true" if stale else "false"}'
        )

    def _expected(self, said: dict[str, str], algorithm: str, method: str) -> str:
        def hashed(text: str) -> str:
            return _HASHES[algorithm](text.encode()).hexdigest()

        if said.get("username") != self._login.username or said.get("qop") != "auth":
            return ""
        secret = hashed(f"{self._login.username}:{self.realm}:{self._login.password}")
        request = hashed(f"{method}:{said.get('uri', '')}")
        return hashed(
            ":".join([secret, said.get("nonce", ""), said.get("nc", ""), said.get("cnonce", ""), "auth", request])
        )
