"""Every byte to and from one camera goes through here: `CameraHttp`, one bounded session to one origin.

In: requests for addresses that `announced.Home` placed. Out: whole replies within `bounds`, in a total time, with HTTP digest
answered when asked for. Refuses redirects, other origins, foreign encodings, proxies, cookies and unpinned certificates.
Errors: LinkLost (gone, silent, too slow), Refused (it wants other credentials), PeerViolation (it broke HTTP, XML or bounds).
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from secd.drivers.onvif_camera.announced import Home
from secd.drivers.onvif_camera.bounds import PICTURE_BYTES_MAX, Collected, CollectedXml, Unpacked
from secd.drivers.onvif_camera.digest import Challenge, authorization, choose_challenge
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.secret import Secret

CONNECTIONS_MAX: Final = 4
CONNECT_S_MAX: Final = 5.0
CHUNK_BYTES: Final = 16_384
HEADERS_MAX: Final = 64
_UNAVAILABLE: Final = frozenset({502, 503, 504})
_NOT_AUTHORIZED: Final = re.compile(rb"not\s*authori[sz]ed|FailedAuthentication|InvalidSecurity\b", re.IGNORECASE)
_JPEG_START: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. `answer`: the local name of the element in a SOAP body, "" if there is none."""

    status: int
    body: bytes
    answer: str = ""


class Disconnected(LinkLost):
    """The camera closed the connection instead of answering, as it may close an idle one: worth one new request."""


class CameraHttp:
    """One camera's HTTP. Make it inside the loop and close it. `trust`: True for the system's authorities, a context, a pin."""

    def __init__(
        self,
        home: Home,
        *,
        username: str,
        password: Secret,
        trust: bool | ssl.SSLContext | aiohttp.Fingerprint = True,
    ) -> None:
        self._home = home
        self._username = username
        self._password = password
        self._challenge: Challenge | None = None
        self._count = 0
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, ssl=trust, use_dns_cache=False, keepalive_timeout=60.0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_S_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_headers=HEADERS_MAX,
            headers={"Accept-Encoding": "identity", "User-Agent": "secd"},
        )

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session itself, for the SOAP library's transport to be built on."""
        return self._session

    def place(self, announced: object) -> str:
        """Where to ask instead of an address the camera announced. Raises PeerViolation."""
        return self._home.place(announced)

    async def close(self) -> None:
        """Drop every connection."""
        await self._session.close()

    async def post_xml(self, address: str, body: bytes, *, content_type: str, timeout_s: float) -> Reply:
        """Send one SOAP envelope; the reply is one, faults included."""
        reply = await self._exchange("POST", address, CollectedXml(), timeout_s, body=body, content_type=content_type)
        if reply.status >= 400 and _NOT_AUTHORIZED.search(reply.body):
            raise Refused("the camera does not accept our login")
        return reply

    async def get_picture(self, address: str, *, timeout_s: float) -> bytes:
        """Fetch one JPEG."""
        picture = (await self._exchange("GET", address, Collected(PICTURE_BYTES_MAX), timeout_s)).body
        if not picture.startswith(_JPEG_START) or _JPEG_END not in picture[-4096:]:
            raise PeerViolation("the camera sent something that is not a whole JPEG")
        return picture

    async def _exchange(
        self, method: str, address: str, into: Collected, timeout_s: float, *, body: bytes = b"", content_type: str = ""
    ) -> Reply:
        url = URL(self._home.place(address), encoded=True)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(method, url, into, body, content_type)
        except TimeoutError as error:
            raise LinkLost(f"the camera gave no whole answer within {timeout_s:g} s") from error
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as error:
            raise PeerViolation(f"the camera's certificate is not the one to trust: {error}") from error
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL, ValueError) as error:
            raise PeerViolation(f"the camera broke HTTP: {str(error)[:200]}") from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionResetError) as error:
            raise Disconnected("the camera closed the connection instead of answering") from error
        except (aiohttp.ClientError, OSError) as error:
            raise LinkLost(f"the camera cannot be reached: {str(error)[:200] or type(error).__name__}") from error

    async def _ask(self, method: str, url: URL, into: Collected, body: bytes, content_type: str) -> Reply:
        """Ask, and once more where the camera wants a digest, or a newer one, that we can give."""
        may_answer = True
        while True:
            headers = {"Content-Type": content_type} if content_type else {}
            if self._challenge is not None:
                headers["Authorization"] = self._answer(self._challenge, method, url)
            response = await self._session.request(
                method, url, data=body or None, headers=headers, allow_redirects=False
            )
            try:
                if response.status == 401 and may_answer and self._learn(response):
                    may_answer = False
                    continue
                return await self._read(response, into)
            finally:
                response.close() if not response.content.at_eof() else response.release()

    async def _read(self, response: aiohttp.ClientResponse, into: Collected) -> Reply:
        if response.status in {401, 403}:
            raise Refused(f"the camera does not accept our login (HTTP {response.status})")
        if 300 <= response.status < 400:
            raise PeerViolation(f"the camera redirects (HTTP {response.status}), which is never followed")
        if response.status in _UNAVAILABLE:
            raise LinkLost(f"the camera is not ready (HTTP {response.status})")
        if response.status >= 400 and not isinstance(into, CollectedXml):
            raise PeerViolation(f"the camera has no picture there (HTTP {response.status})")
        unpacked = Unpacked(response.headers.get("Content-Encoding", ""))
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            unpacked.feed(chunk, into)
        body = into.whole()
        return Reply(status=response.status, body=body, answer=into.answer if isinstance(into, CollectedXml) else "")

    def _learn(self, response: aiohttp.ClientResponse) -> bool:
        """Take a new challenge. False where there is none we can answer, or ours was answered wrongly."""
        challenge = choose_challenge(response.headers.getall("WWW-Authenticate", []))
        if challenge is None:
            return False
        self._challenge = challenge
        self._count = 0
        return True

    def _answer(self, challenge: Challenge, method: str, url: URL) -> str:
        self._count += 1
        return authorization(
            challenge,
            method=method,
            uri=url.raw_path_qs,
            username=self._username,
            password=self._password,
            count=self._count,
        )
