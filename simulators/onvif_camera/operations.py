"""Which operation does what: the camera's services as one table, once a request is admitted.

In: a call, and where its request was posted. Out: the content of the reply's body. Raises SoapFault for what the camera does
not implement, for profiles and pull points it does not have, and for arguments that make no sense.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from simulators.faults import SimulatedClock
from simulators.onvif_camera import services
from simulators.onvif_camera.events import Properties, PullPoint
from simulators.onvif_camera.services import PROFILE, Addresses
from simulators.onvif_camera.soap import NAMESPACES, Call, SoapFault, parse_duration_s, parse_termination_s

DEVICE_PATH: Final = "/onvif/device_service"
MEDIA_PATH: Final = "/onvif/media_service"
EVENT_PATH: Final = "/onvif/event_service"
PULL_POINT_PATH: Final = "/onvif/pull_point"
SNAPSHOT_PATH: Final = "/snapshot.jpg"
LIFE_S: Final = 60.0
PULL_S_MAX: Final = 120.0
MESSAGES_MAX: Final = 100
REBOOT_S: Final = 0.05
UNAUTHENTICATED: Final = frozenset(
    {"GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetServiceCapabilities", "GetHostname"}
)


@dataclass(slots=True, kw_only=True)
class Announced:
    """Other origins to name instead of the true one; "" tells the truth."""

    services: str = ""
    pull_point: str = ""
    snapshot: str = ""


class Operations:
    """The camera's services. `events=False` leaves the event service out; `by_parameter` names pull points in a header."""

    def __init__(
        self,
        name: str,
        clock: SimulatedClock,
        properties: Properties,
        reboot: Callable[[], None],
        *,
        events: bool,
        by_parameter: bool,
    ) -> None:
        self.origin = ""
        self.announced = Announced()
        self._name = name
        self._clock = clock
        self._properties = properties
        self._reboot = reboot
        self._events = events
        self._by_parameter = by_parameter
        self._plain: dict[str, Callable[[Call], str]] = {
            "GetSystemDateAndTime": lambda _: services.system_date_and_time(clock.utc()),
            "GetDeviceInformation": lambda _: services.device_information(name),
            "GetCapabilities": lambda _: services.capabilities(self._addresses(), events=events),
            "GetServices": lambda _: services.services(self._addresses(), events=events),
            "GetScopes": lambda _: services.scopes(name),
            "GetHostname": lambda _: services.hostname(name),
            "GetProfiles": lambda _: services.profiles(),
            "GetVideoSources": lambda _: services.video_sources(),
            "GetStreamUri": lambda call: self._media_uri(call, self._addresses().stream),
            "GetSnapshotUri": lambda call: self._media_uri(call, self._addresses().snapshot),
            "SystemReboot": self._reboot_soon,
        }
        self._of_events: dict[str, Callable[[Call], str]] = {
            "GetEventProperties": lambda _: services.event_properties(properties.topics),
            "CreatePullPointSubscription": self._create_pull_point,
        }
        self._at_pull_point: dict[str, Callable[[Call, PullPoint], str | Awaitable[str]]] = {
            "PullMessages": self._pull,
            "Renew": self._renew,
            "Unsubscribe": self._unsubscribe,
            "SetSynchronizationPoint": self._synchronise,
        }

    async def answer(self, call: Call, *, named: str) -> str:
        """Carry out one call; `named` is the pull point in the request's path, or ""."""
        if call.operation in self._plain:
            return self._plain[call.operation](call)
        if self._events and call.operation in self._of_events:
            return self._of_events[call.operation](call)
        if self._events and call.operation in self._at_pull_point:
            answer = self._at_pull_point[call.operation](call, self._pull_point_of(call, named))
            return answer if isinstance(answer, str) else await answer
        raise SoapFault(f"{call.operation} is not implemented", "ter:ActionNotSupported", code="Receiver", status=500)

    def _addresses(self) -> Addresses:
        services_at = self.announced.services or self.origin
        return Addresses(
            device=services_at + DEVICE_PATH,
            media=services_at + MEDIA_PATH,
            events=services_at + EVENT_PATH,
            snapshot=(self.announced.snapshot or self.origin) + SNAPSHOT_PATH,
            stream="rtsp://127.0.0.1:554/main",
        )

    def _media_uri(self, call: Call, uri: str) -> str:
        if call.text("trt:ProfileToken") != PROFILE:
            raise SoapFault("there is no such profile", "ter:InvalidArgVal", "ter:NoProfile")
        return services.media_uri(call.operation, uri)

    def _reboot_soon(self, _call: Call) -> str:
        asyncio.get_running_loop().call_later(REBOOT_S, self._reboot)
        return "<tds:SystemRebootResponse><tds:Message>Rebooting</tds:Message></tds:SystemRebootResponse>"

    def _create_pull_point(self, call: Call) -> str:
        if call.element.find("tev:Filter/*", NAMESPACES) is not None:
            raise SoapFault("filters are not supported", "ter:InvalidArgVal", "wsnt:InvalidFilterFault")
        now = self._clock.utc()
        wanted = call.text("tev:InitialTerminationTime")
        pull_point = self._properties.subscribe(parse_termination_s(wanted, now) if wanted else LIFE_S)
        path = PULL_POINT_PATH if self._by_parameter else f"{PULL_POINT_PATH}/{pull_point.id}"
        address = (self.announced.pull_point or self.origin) + path
        parameter = pull_point.id if self._by_parameter else ""
        return services.pull_point_reference(address, parameter, now, now + timedelta(seconds=pull_point.life_s))

    def _pull_point_of(self, call: Call, named: str) -> PullPoint:
        if not named and call.header is not None:
            named = call.header.findtext("sim:PullPoint", "", NAMESPACES)
        return self._properties.find(named)

    def _left(self, pull_point: PullPoint) -> timedelta:
        return timedelta(seconds=pull_point.ends_mono_s - self._clock.mono_s())

    async def _pull(self, call: Call, pull_point: PullPoint) -> str:
        timeout_s = min(parse_duration_s(call.text("tev:Timeout") or "PT0S"), PULL_S_MAX)
        asked = call.text("tev:MessageLimit") or "1"
        if not asked.isdecimal() or len(asked) > 9:
            raise SoapFault("MessageLimit is a number", "ter:InvalidArgVal")
        messages = await pull_point.take(limit=min(max(int(asked), 1), MESSAGES_MAX), timeout_s=timeout_s)
        now = self._clock.utc()
        return services.pulled(messages, now, now + self._left(pull_point))

    def _renew(self, call: Call, pull_point: PullPoint) -> str:
        now = self._clock.utc()
        wanted = call.text("wsnt:TerminationTime")
        self._properties.renew(pull_point, parse_termination_s(wanted, now) if wanted else pull_point.life_s)
        return services.renewed(now, now + self._left(pull_point))

    def _unsubscribe(self, _call: Call, pull_point: PullPoint) -> str:
        self._properties.unsubscribe(pull_point)
        return "<wsnt:UnsubscribeResponse/>"

    def _synchronise(self, _call: Call, pull_point: PullPoint) -> str:
        self._properties.synchronise(pull_point)
        return "<tev:SetSynchronizationPointResponse/>"
