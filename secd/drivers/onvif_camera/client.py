"""What secd asks of a camera: a few typed calls over `soap` and `transport`.

In: one `CameraHttp`. Out: values of ours. Signs with the camera's time and, when refused because that clock moved, learns it
and asks once more. Errors: LinkLost, Refused, PeerViolation; PullPointGone where a pull point is no longer there.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lxml import etree

from onvif.exceptions import ONVIFError
from secd.drivers.onvif_camera.announced import Origin
from secd.drivers.onvif_camera.signing import CameraTime, TokenSignature
from secd.drivers.onvif_camera.soap import GuardedService, open_service
from secd.drivers.onvif_camera.translate import Notification
from secd.drivers.onvif_camera.transport import CameraHttp, Disconnected
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.secret import Secret
from secd.runtime.clock import Clock
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault as SoapFault

MESSAGES_MAX: Final = 50
LIFE_S_MIN: Final = 10.0
CLOCK_MOVED_S: Final = 3.0
REFERENCE_PARAMETERS_MAX: Final = 4
ITEMS_MAX: Final = 16
ITEM_CHARACTERS_MAX: Final = 256
_NS: Final = {
    "devicemgmt": "http://www.onvif.org/ver10/device/wsdl",
    "media": "http://www.onvif.org/ver10/media/wsdl",
    "events": "http://www.onvif.org/ver10/events/wsdl",
}
_UNKNOWN_ACTION: Final = frozenset({"ActionNotSupported", "NotImplemented", "UnknownAction"})
_UNREADABLE: Final = (
    ZeepError, ONVIFError, etree.LxmlError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError,
)  # fmt: skip
"""What the library raises when a reply has an unexpected shape: it walks schemas, not hostile replies."""


class PullPointGone(Exception):
    """The camera does not know our pull point any more: it ended, or the camera started anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInformation:
    """Who the camera says it is."""

    manufacturer: str
    model: str
    firmware: str
    serial: str


@dataclass(slots=True, kw_only=True)
class PullPoint:
    """A subscription. `renew_at_mono_s`: when to prolong it. `answered`: a pull has worked."""

    pulling: GuardedService
    keeping: GuardedService
    headers: list[Any]
    life_s: float
    renew_at_mono_s: float
    answered: bool = False


class CameraClient:
    """One camera, while its link lives."""

    def __init__(
        self,
        http: CameraHttp,
        origin: Origin,
        clock: Clock,
        *,
        username: str,
        password: Secret,
        pull_timeout_s: float,
        answer_timeout_s: float,
    ) -> None:
        self._http = http
        self._origin = origin
        self._clock = clock
        self._pull_timeout_s = pull_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self.time: Final = CameraTime(clock)
        self._signature = TokenSignature(self.time, username, password)
        self._services: dict[str, GuardedService] = {}
        self._addresses: dict[str, str] = {"devicemgmt": origin.at("/onvif/device_service")}
        self._picture_address = ""
        self._cuts = 0

    async def learn_clock(self) -> float:
        """Read the camera's clock. Returns by how many seconds it moved against what we believed.

        It needs no login; a camera that wants one all the same gets it, signed in the time we believe.
        """
        device = await self._service("devicemgmt")
        sent_s = self._clock.now().mono_s
        try:
            try:
                said = await self._once(device, "GetSystemDateAndTime", signed=False)
            except Refused:
                said = await self._once(device, "GetSystemDateAndTime")
        except SoapFault:
            return 0.0
        read = _moment(said)
        return 0.0 if read is None else self.time.learn(read, at_mono_s=(sent_s + self._clock.now().mono_s) / 2)

    async def identify(self) -> DeviceInformation:
        """Who it is; the first call that needs the login."""
        said = await self._call("devicemgmt", "GetDeviceInformation")
        names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
        manufacturer, model, firmware, serial = (_line(getattr(said, name, "")) for name in names)
        return DeviceInformation(manufacturer=manufacturer, model=model, firmware=firmware, serial=serial)

    async def find_services(self) -> None:
        """Learn where its services are: GetServices, or GetCapabilities where that is not known."""
        try:
            said = await self._call("devicemgmt", "GetServices", IncludeCapability=False)
            found = {getattr(one, "Namespace", None): getattr(one, "XAddr", None) for one in said or ()}
        except SoapFault:
            said = await self._call("devicemgmt", "GetCapabilities", Category="All")
            parts = {"media": getattr(said, "Media", None), "events": getattr(said, "Events", None)}
            found = {_NS[name]: getattr(part, "XAddr", None) for name, part in parts.items()}
        for name in ("media", "events"):
            address = found.get(_NS[name])
            if isinstance(address, str):
                self._addresses[name] = address

    @property
    def tells_events(self) -> bool:
        """Whether it has an event service."""
        return "events" in self._addresses

    async def create_pull_point(self, life_s: float) -> PullPoint | None:
        """Subscribe to everything. None where the camera does not know how; LinkLost where it will not now."""
        sent_s = self._clock.now().mono_s
        try:
            said = await self._call("events", "CreatePullPointSubscription", InitialTerminationTime=_duration(life_s))
        except SoapFault as fault:
            if _UNKNOWN_ACTION & {getattr(code, "localname", "") for code in fault.subcodes or ()}:
                return None
            raise LinkLost(f"the camera gives us no pull point: {_reason(fault)}") from fault
        try:
            address = said.SubscriptionReference.Address._value_1  # noqa: SLF001  zeep's name of an element's text
            parameters = said.SubscriptionReference.ReferenceParameters
            headers = [] if parameters is None else [one for one in parameters._value_1 or () if etree.iselement(one)]  # noqa: SLF001
            granted_s = (said.TerminationTime - said.CurrentTime).total_seconds()
            life_s = min(life_s, max(granted_s, LIFE_S_MIN))
        except _UNREADABLE as error:
            raise PeerViolation("the camera created a pull point without saying where or until when") from error
        return PullPoint(
            pulling=await self._open("pullpoint", address, self._pull_timeout_s + self._answer_timeout_s),
            keeping=await self._open("subscription", address, self._answer_timeout_s),
            headers=headers[:REFERENCE_PARAMETERS_MAX],
            life_s=life_s,
            renew_at_mono_s=sent_s + life_s / 2,
        )

    async def pull(self, pull_point: PullPoint, *, timeout_s: float) -> tuple[Notification, ...]:
        """Wait for notifications, at most `timeout_s`; prolongs the pull point when that is due.

        An answer lost with its connection may have held notifications: then the states are asked for again.
        """
        cuts = self._cuts
        if self._clock.now().mono_s >= pull_point.renew_at_mono_s:
            await self._renew(pull_point)
        timeout_s = min(timeout_s, max(pull_point.renew_at_mono_s - self._clock.now().mono_s, 1.0))
        said = await self._at_pull_point(
            pull_point.pulling,
            "PullMessages",
            pull_point,
            Timeout=timedelta(seconds=timeout_s),
            MessageLimit=MESSAGES_MAX,
        )
        pull_point.answered = True
        if self._cuts != cuts:
            await self.tell_all_again(pull_point)
        return tuple(_notification(message) for message in getattr(said, "NotificationMessage", None) or ())

    async def tell_all_again(self, pull_point: PullPoint) -> None:
        """Ask for every property's state; cameras that cannot are forgiven."""
        try:
            await self._ask(pull_point.pulling, "SetSynchronizationPoint", headers=pull_point.headers)
        except SoapFault:
            return

    async def picture(self) -> bytes:
        """One JPEG, now. Asks where pictures are once, and anew where the old place fails."""
        known = bool(self._picture_address)
        if not known:
            self._picture_address = await self._find_picture()
        try:
            return await self._get_picture()
        except (PeerViolation, Refused):
            self._picture_address = ""
            if not known:
                raise
        self._picture_address = await self._find_picture()
        return await self._get_picture()

    async def _find_picture(self) -> str:
        if "media" not in self._addresses:
            raise PeerViolation("the camera has no media service")
        try:
            profiles = await self._call("media", "GetProfiles")
            token = next((one.token for one in profiles or () if isinstance(one.token, str)), None)
            if token is None:
                raise PeerViolation("the camera has no media profile")
            uri = getattr(await self._call("media", "GetSnapshotUri", ProfileToken=token), "Uri", None)
        except SoapFault as fault:
            raise PeerViolation(f"the camera has no picture address: {_reason(fault)}") from fault
        if not isinstance(uri, str):
            raise PeerViolation("the camera gave no picture address")
        return uri

    async def _renew(self, pull_point: PullPoint) -> None:
        sent_s = self._clock.now().mono_s
        await self._at_pull_point(pull_point.keeping, "Renew", pull_point, TerminationTime=_duration(pull_point.life_s))
        pull_point.renew_at_mono_s = sent_s + pull_point.life_s / 2

    async def _at_pull_point(
        self, service: GuardedService, operation: str, pull_point: PullPoint, **arguments: Any
    ) -> Any:
        try:
            return await self._ask(service, operation, headers=pull_point.headers, **arguments)
        except SoapFault as fault:
            raise PullPointGone(_reason(fault)) from fault

    async def _service(self, name: str) -> GuardedService:
        if name not in self._services:
            self._services[name] = await self._open(name, self._addresses[name], self._answer_timeout_s)
        return self._services[name]

    async def _open(self, name: str, address: str, timeout_s: float) -> GuardedService:
        placed = self._http.place(address)
        return await open_service(self._http, name, placed, self._signature, timeout_s=timeout_s)

    async def _call(self, name: str, operation: str, **arguments: Any) -> Any:
        return await self._ask(await self._service(name), operation, **arguments)

    async def _ask(self, service: GuardedService, operation: str, **arguments: Any) -> Any:
        """One signed call; a second one only where the first was refused and the camera's clock turns out to have moved."""
        try:
            return await self._once(service, operation, **arguments)
        except Refused:
            if abs(await self.learn_clock()) < CLOCK_MOVED_S:
                raise
        return await self._once(service, operation, **arguments)

    async def _once(self, service: GuardedService, operation: str, **arguments: Any) -> Any:
        """One call, signed anew where the camera closed the connection instead of answering: it may know that nonce."""
        try:
            try:
                return await service.call(operation, **arguments)
            except Disconnected:
                self._cuts += 1
                return await service.call(operation, **arguments)
        except SoapFault:
            raise
        except _UNREADABLE as error:
            raise PeerViolation(f"the camera's answer to {operation} cannot be read: {error!r:.200}") from error

    async def _get_picture(self) -> bytes:
        try:
            return await self._http.get_picture(self._picture_address, timeout_s=self._answer_timeout_s)
        except Disconnected:
            return await self._http.get_picture(self._picture_address, timeout_s=self._answer_timeout_s)


async def resolve_host(origin: Origin, *, timeout_s: float) -> frozenset[str]:
    """The addresses of the camera's host, as text. Raises OSError or TimeoutError."""
    async with asyncio.timeout(timeout_s):
        found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port)
    return frozenset(str(address[0]) for *_, address in found)


def _notification(message: Any) -> Notification:
    """A message of the library as ours; whatever is missing is empty."""
    inner = getattr(getattr(message, "Message", None), "_value_1", None)
    at = getattr(inner, "UtcTime", None)
    if isinstance(at, datetime):
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    return Notification(
        topic=_line(getattr(getattr(message, "Topic", None), "_value_1", None)),
        operation=_line(getattr(inner, "PropertyOperation", None)),
        source=_items(getattr(inner, "Source", None)),
        data=_items(getattr(inner, "Data", None)),
        at=at if isinstance(at, datetime) else None,
    )


def _items(listed: Any) -> tuple[tuple[str, str], ...]:
    items = getattr(listed, "SimpleItem", None) or ()
    return tuple((_line(getattr(i, "Name", None)), _line(getattr(i, "Value", None))) for i in items[:ITEMS_MAX])


def _line(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(character if character.isprintable() else "?" for character in text.strip()[:ITEM_CHARACTERS_MAX])


def _moment(said: Any) -> datetime | None:
    """What GetSystemDateAndTime said; None where it gave no UTC. Raises PeerViolation where that is no date."""
    utc = getattr(said, "UTCDateTime", None)
    if utc is None:
        return None
    try:
        date, time = utc.Date, utc.Time
        return datetime(date.Year, date.Month, date.Day, time.Hour, time.Minute, min(time.Second, 59), tzinfo=UTC)
    except _UNREADABLE as error:
        raise PeerViolation("the camera's clock shows no date and time") from error


def _duration(seconds: float) -> str:
    return f"PT{int(seconds)}S"


def _reason(fault: SoapFault) -> str:
    return _line(fault.message) or "a fault without a reason"
