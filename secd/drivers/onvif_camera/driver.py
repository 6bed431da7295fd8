"""One ONVIF camera: what it notices, and pictures of it.

In: its events, pulled. Out: CameraSaw (first every present state with `initial`), LinkChanged(up) once those are told,
DeviceTold where it restarted, was replaced, sends too much, has no events or a wrong clock (the last two once). Carries out
FetchPicture. Refuses everything else; decides nothing, retries no order. Ends with LinkLost, Refused or PeerViolation.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Final, NoReturn, assert_never

from secd.drivers.onvif_camera.announced import Home, Origin, parse_origin
from secd.drivers.onvif_camera.library import load_client
from secd.drivers.onvif_camera.settings import OnvifCameraSettings
from secd.drivers.onvif_camera.translate import Notification, StatesTold
from secd.drivers.protocol import Report, ResolveSecret, Resume
from secd.model.errors import ConfigError, LinkLost, PeerViolation, Problem, Refused
from secd.model.facts import DeviceTold, Fact, LinkChanged
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, FetchPicture, Outcome, PulseOutput, SetOutput, SetSignal
from secd.model.secret import Secret
from secd.runtime.clock import Clock, wait_for
from secd.runtime.crashpoint import reached
from secd.runtime.logs import one_line

if TYPE_CHECKING:
    import aiohttp

    from secd.drivers.onvif_camera.client import CameraClient, PullPoint
    from secd.drivers.onvif_camera.transport import CameraHttp

LIFE_S: Final = 60.0
SHORT_LIFE_S: Final = 5.0
SHORT_LIVES_MAX: Final = 3
FIRST_PULL_S: Final = 1.0
FIRST_PULLS_MAX: Final = 8
TAKEN_MAX: Final = 200
MESSAGES_PER_S_MAX: Final = 50.0
EMPTY_PULL_S_MIN: Final = 0.5
WATCH_S: Final = 15.0
PICTURE_S_MAX: Final = 10.0
CLOCK_OFF_S: Final = 60.0


class OnvifCameraDriver:
    """The driver of one camera."""

    def __init__(
        self,
        device: DeviceId,
        settings: OnvifCameraSettings,
        clock: Clock,
        *,
        password: Secret,
        trust: "bool | ssl.SSLContext | aiohttp.Fingerprint" = True,
    ) -> None:
        self._device = device
        self._settings = settings
        self._clock = clock
        self._password = password
        self._trust = trust
        self._origin: Origin = parse_origin(settings.address)
        self._live: CameraClient | None = None
        self._serial = ""
        self._told_once: set[str] = set()

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """See `Driver.run`. A camera keeps no numbered log: `resume` is not asked."""
        client_room = await asyncio.to_thread(load_client)
        http = await self._open_http()
        try:
            client: CameraClient = client_room.CameraClient(
                http,
                self._origin,
                self._clock,
                username=self._settings.login.username,
                password=self._password,
                pull_timeout_s=self._settings.pull_timeout,
                answer_timeout_s=self._settings.answer_timeout,
            )
            await self._greet(client, report)
            if client.tells_events:
                await self._follow_events(client, report)
            self._tell_once(report, "no_events", "the camera has no event service")
            await self._watch(client, report)
        finally:
            self._live = None
            await http.close()

    async def perform(self, order: DeviceOrder) -> Outcome:
        """See `Driver.perform`."""
        match order.act:
            case FetchPicture():
                return await self._fetch_picture(order)
            case PulseOutput() | SetOutput() | SetSignal():
                return Outcome(order=order.id, done=False, detail="a camera has no output and no reader")
            case _:
                assert_never(order.act)

    async def _open_http(self) -> "CameraHttp":
        from secd.drivers.onvif_camera.client import resolve_host
        from secd.drivers.onvif_camera.transport import CameraHttp

        try:
            resolved = await resolve_host(self._origin, timeout_s=self._settings.answer_timeout)
        except (OSError, TimeoutError) as error:
            raise LinkLost(f"the camera's name {self._origin.host} cannot be resolved: {error}") from error
        home = Home(
            origin=self._origin,
            resolved=resolved,
            also_ports=frozenset(self._settings.also_ports),
            behind_nat=self._settings.behind_nat,
        )
        return CameraHttp(home, username=self._settings.login.username, password=self._password, trust=self._trust)

    async def _greet(self, client: "CameraClient", report: Report) -> None:
        await client.learn_clock()
        said = await client.identify()
        if self._serial and said.serial != self._serial:
            detail = f"serial number {said.serial!r} instead of {self._serial!r}"
            self._tell(report, DeviceTold(what="replaced", detail=detail))
        self._serial = said.serial
        if abs(off_s := client.time.off_s()) > CLOCK_OFF_S:
            self._tell_once(report, "clock_off", f"the camera's clock is {off_s:+.0f} s off")
        await client.find_services()

    async def _follow_events(self, client: "CameraClient", report: Report) -> None:
        """Pull for ever. Returns only where the camera turns out to have no pull points."""
        from secd.drivers.onvif_camera.client import PullPointGone

        short_lives = 0
        while True:
            created_s = self._clock.now().mono_s
            pull_point = await client.create_pull_point(LIFE_S)
            if pull_point is None:
                return
            try:
                await self._pull(client, pull_point, report)
            except PullPointGone as gone:
                if not pull_point.answered:
                    raise PeerViolation(f"the camera does not know the pull point it gave us: {gone}") from gone
                lived_s = self._clock.now().mono_s - created_s
                short_lives = short_lives + 1 if lived_s < SHORT_LIFE_S else 0
                if short_lives > SHORT_LIVES_MAX:
                    raise LinkLost(f"the camera loses pull points as fast as we make them: {gone}") from gone
                self._tell(report, DeviceTold(what="restarted", detail=f"it forgot our pull point: {gone}"))

    async def _pull(self, client: "CameraClient", pull_point: "PullPoint", report: Report) -> NoReturn:
        """First every present state, then what happens. Without states the camera has had its second to tell them."""
        told = StatesTold()
        await client.tell_all_again(pull_point)
        for _ in range(FIRST_PULLS_MAX):
            if not await self._pull_once(client, pull_point, told, report, timeout_s=FIRST_PULL_S):
                break
        self._come_up(client, report)
        while True:
            await self._pull_once(client, pull_point, told, report, timeout_s=self._settings.pull_timeout)

    async def _pull_once(
        self, client: "CameraClient", pull_point: "PullPoint", told: StatesTold, report: Report, *, timeout_s: float
    ) -> int:
        """One pull, reported. Returns how many messages came. No message is older than the pull before, whatever it says."""
        asked_s = self._clock.now().mono_s
        notifications = await client.pull(pull_point, timeout_s=timeout_s)
        waited_s = self._clock.now().mono_s - asked_s
        for notification in notifications[:TAKEN_MAX]:
            saw = told.news(notification)
            if saw is not None:
                reached("read")
                age_s = 0.0 if saw.initial else self._age_s(client, notification, waited_s)
                self._tell(report, saw, age_s=age_s)
        if len(notifications) > TAKEN_MAX:
            lost = len(notifications) - TAKEN_MAX
            self._tell(report, DeviceTold(what="reads_lost", detail="more messages at once than asked for", count=lost))
        await self._breathe(len(notifications), waited_s)
        return len(notifications)

    async def _breathe(self, messages: int, waited_s: float) -> None:
        """Keep a camera that answers at once, with nothing or with very much, from occupying us."""
        due_s = messages / MESSAGES_PER_S_MAX if messages else EMPTY_PULL_S_MIN
        if waited_s < due_s:
            await wait_for(self._clock, due_s - waited_s)

    @staticmethod
    def _age_s(client: "CameraClient", notification: Notification, at_most_s: float) -> float:
        if notification.at is None:
            return 0.0
        return min(max((client.time.now() - notification.at).total_seconds(), 0.0), at_most_s)

    async def _watch(self, client: "CameraClient", report: Report) -> NoReturn:
        """A camera without events: see that it is there and still knows us."""
        self._come_up(client, report)
        while True:
            await wait_for(self._clock, WATCH_S)
            await client.identify()

    def _come_up(self, client: "CameraClient", report: Report) -> None:
        if self._live is None:
            self._live = client
            self._tell(report, LinkChanged(up=True))

    def _tell(self, report: Report, fact: Fact, *, age_s: float = 0.0) -> None:
        report(Observation(device=self._device, fact=fact, seen=self._clock.now(), age_s=age_s))

    def _tell_once(self, report: Report, what: str, detail: str) -> None:
        """A condition that stays: told on the first link, not on every return."""
        if what not in self._told_once:
            self._told_once.add(what)
            self._tell(report, DeviceTold(what=what, detail=detail))

    async def _fetch_picture(self, order: DeviceOrder) -> Outcome:
        client = self._live
        if client is None:
            raise LinkLost("the camera is not connected")
        left_s = order.expires_mono_s - self._clock.now().mono_s
        if left_s <= 0:
            return Outcome(order=order.id, done=False, detail="too late: no picture was asked for")
        try:
            async with asyncio.timeout(min(left_s, PICTURE_S_MAX)):
                picture = await client.picture()
        except TimeoutError:
            return Outcome(order=order.id, done=False, detail="the camera sent no picture in time")
        except (LinkLost, Refused, PeerViolation) as error:
            return Outcome(order=order.id, done=False, detail=one_line(error))
        return Outcome(order=order.id, done=True, picture=picture)


def build(device: DeviceId, settings: OnvifCameraSettings, clock: Clock, resolve: ResolveSecret) -> OnvifCameraDriver:
    """A driver for one camera; touches no network. Raises ConfigError where a secret or certificate cannot be read."""
    return OnvifCameraDriver(
        device, settings, clock, password=resolve(settings.login.password), trust=_trust(settings, resolve)
    )


def _trust(settings: OnvifCameraSettings, resolve: ResolveSecret) -> "bool | ssl.SSLContext | aiohttp.Fingerprint":
    if settings.fingerprint is not None:
        import aiohttp

        return aiohttp.Fingerprint(bytes.fromhex(settings.fingerprint))
    if settings.ca is not None:
        try:
            return ssl.create_default_context(cadata=resolve(settings.ca).reveal())
        except (ssl.SSLError, ValueError) as error:
            problem = Problem(path="", line=1, column=1, message="the camera's CA is no PEM certificate")
            raise ConfigError((problem,)) from error
    return True
