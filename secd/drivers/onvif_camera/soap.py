"""The SOAP library, taken in hand: onvif-zeep-async knows the WSDL, writes requests and reads replies; nothing else is its.

In: an address and a service's name. Out: `GuardedService`, whose every call goes through our `CameraHttp`. What the library
would do otherwise and does not here (docs/adr/0003-onvif-client.md): open sessions of its own without checking certificates,
keep a cache in the home directory, sign with the wall clock, read without bounds.
"""

import asyncio
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from lxml import etree
from requests import Response

import onvif
from onvif.client import ONVIFService
from onvif.definition import SERVICES
from onvif.zeep_aiohttp import AIOHTTPTransport
from secd.drivers.onvif_camera.signing import TokenSignature
from secd.drivers.onvif_camera.transport import CameraHttp
from secd.model.errors import Fault, PeerViolation
from zeep.settings import Settings

_WSDL: Final = Path(onvif.__file__).parent / "wsdl"
_SETTINGS: Final = Settings(
    strict=False, xml_huge_tree=False, forbid_dtd=True, forbid_entities=True, forbid_external=True
)
_MAY_BE_EMPTY: Final = {"SetSynchronizationPoint": {""}}
_loading: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]" = WeakKeyDictionary()


class GuardedTransport(AIOHTTPTransport):
    """The library's way out, replaced by ours: it can post an envelope and nothing else."""

    def __init__(self, http: CameraHttp, *, timeout_s: float) -> None:
        super().__init__(http.session)
        self._http = http
        self._timeout_s = timeout_s

    async def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Response:
        """Send one envelope; the answer is within bounds."""
        body = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
        content_type = headers.get("Content-Type", "application/soap+xml; charset=utf-8")
        reply = await self._http.post_xml(address, body, content_type=content_type, timeout_s=self._timeout_s)
        operation = etree.QName(envelope.find("{*}Body")[0]).localname
        if reply.answer not in {f"{operation}Response", "Fault"} | _MAY_BE_EMPTY.get(operation, set()):
            raise PeerViolation(f"the camera answered {operation} with {reply.answer[:60] or 'nothing'}")
        response = Response()
        response.status_code = reply.status
        response._content = reply.body  # noqa: SLF001  how the library builds one too
        response.headers["Content-Type"] = "application/soap+xml"  # never multipart: no attachments are read
        return response

    async def post(self, address: str, message: str, headers: dict[str, str]) -> Response:
        """Refused: no call of ours needs it."""
        raise Fault(f"the SOAP library tried to post outside an envelope to {address}")

    async def get(self, address: str, params: Any = None, headers: Any = None) -> Response:
        """Refused: no call of ours needs it."""
        raise Fault(f"the SOAP library tried to get {address}")


class GuardedService(ONVIFService):
    """One service of one camera, signed by us and sent by us."""

    def __init__(
        self, http: CameraHttp, name: str, address: str, signature: TokenSignature, *, timeout_s: float
    ) -> None:
        row = SERVICES[name]
        binding = f"{{{row['ns']}}}{row['binding']}"
        super().__init__(address, None, None, str(_WSDL / row["wsdl"]), no_cache=True, binding_name=binding)
        self._signature = signature
        self.transport = GuardedTransport(http, timeout_s=timeout_s)

    async def setup(self) -> None:
        """Read the WSDL, once a process and in a thread, and bind our signature and bounds."""
        await self._session.close()  # the library's own, which verifies no certificate
        async with _loading.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await super().setup()
        self.zeep_client.wsse = self._signature
        for client in (self.zeep_client, self.zeep_client_authless):
            client.settings = _SETTINGS

    async def call(self, operation: str, *, signed: bool = True, headers: Any = None, **arguments: Any) -> Any:
        """One call. Raises what CameraHttp raises, zeep's errors, and whatever the library makes of odd values."""
        service = self.ws_client if signed else self.ws_client_authless
        return await service[operation](**arguments, _soapheaders=headers)


async def open_service(
    http: CameraHttp, name: str, address: str, signature: TokenSignature, *, timeout_s: float
) -> GuardedService:
    """The service `name` of the library's table at `address`; each of its calls ends within `timeout_s`."""
    service = GuardedService(http, name, address, signature, timeout_s=timeout_s)
    await service.setup()
    return service
