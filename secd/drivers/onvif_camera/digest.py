"""HTTP digest, the client's side, without I/O: challenges in, Authorization values out.

The strongest algorithm offered is taken. Basic is never answered: that would be the password in the clear. (RFC 7616; its
section 3.9.1 is in the tests.)
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from secd.model.secret import Secret

CHALLENGE_CHARACTERS_MAX: Final = 2048
_HASHES: Final = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_PAIR: Final = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_NEXT: Final = re.compile(r",\s*(?=Digest\s)", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the server wants answered. `algorithm` is as it wrote it; `qop` is "auth" or "" (RFC 2069)."""

    realm: str
    nonce: str
    opaque: str
    algorithm: str
    qop: str
    stale: bool


def choose_challenge(headers: Iterable[str]) -> Challenge | None:
    """The strongest digest challenge among WWW-Authenticate values that we can answer; None if there is none."""
    offered = [part for header in headers for part in _NEXT.split(header[:CHALLENGE_CHARACTERS_MAX])]
    read = [challenge for challenge in map(_read, offered) if challenge is not None]
    return min(read, key=lambda challenge: list(_HASHES).index(_plain(challenge.algorithm)), default=None)


def authorization(
    challenge: Challenge, *, method: str, uri: str, username: str, password: Secret, count: int, cnonce: str = ""
) -> str:
    """The Authorization value for one request: the `count`-th with this nonce."""
    hashed = _HASHES[_plain(challenge.algorithm)]
    cnonce = cnonce or secrets.token_urlsafe(18)

    def h(*parts: str) -> str:
        return hashed(":".join(parts).encode()).hexdigest()

    secret = h(username, challenge.realm, password.reveal())
    if challenge.algorithm.lower().endswith("-sess"):
        secret = h(secret, challenge.nonce, cnonce)
    counted = [f"{count:08x}", cnonce, challenge.qop] if challenge.qop else []
    fields = {
        "username": _quoted(username),
        "realm": _quoted(challenge.realm),
        "nonce": _quoted(challenge.nonce),
        "uri": _quoted(uri),
        "response": _quoted(h(secret, challenge.nonce, *counted, h(method, uri))),
        "algorithm": challenge.algorithm,
    }
    if challenge.opaque:
        fields["opaque"] = _quoted(challenge.opaque)
    if challenge.qop:
        fields |= {"qop": challenge.qop, "nc": counted[0], "cnonce": _quoted(cnonce)}
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def _read(text: str) -> Challenge | None:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest" or _UNSAFE.search(text):
        return None
    said = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in _PAIR.findall(rest)}
    algorithm = said.get("algorithm", "MD5")
    offered = {part.strip() for part in said.get("qop", "").split(",")} - {""}
    if not said.get("nonce") or "realm" not in said or _plain(algorithm) not in _HASHES:
        return None
    if offered and "auth" not in offered:
        return None
    return Challenge(
        realm=said["realm"],
        nonce=said["nonce"],
        opaque=said.get("opaque", ""),
        algorithm=algorithm,
        qop="auth" if offered else "",
        stale=said.get("stale", "").lower() == "true",
    )


def _plain(algorithm: str) -> str:
    return algorithm.upper().removesuffix("-SESS")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
