"""A simulated ONVIF camera: a real HTTP server on the loopback, for any client that speaks ONVIF.

In: SOAP requests and picture requests; the control interface's actions. Out: replies, notifications to whoever pulls,
JPEGs. Everything but the clock, the service list and the host name needs the login. Refuses more than `PULL_POINTS_MAX`
pull points, replayed or stale tokens, and requests over 256 KiB. Its faults are its own: a clock that jumps, a changed
password, a reboot, wrong addresses, and every answer of `hostile.py`.
"""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Self

from aiohttp import web
from annotated_types import Ge, Le

from simulators.faults import HOST, Login, SimulatedClock
from simulators.onvif_camera.events import CELL_MOTION, SCENE_CHANGE, Properties, Topic, digital_input
from simulators.onvif_camera.hostile import Hostility, Misbehaviour
from simulators.onvif_camera.login import HttpDigestGate, HttpVerdict, TokenGate
from simulators.onvif_camera.operations import (
    DEVICE_PATH,
    EVENT_PATH,
    MEDIA_PATH,
    PULL_POINT_PATH,
    SNAPSHOT_PATH,
    UNAUTHENTICATED,
    Announced,
    Operations,
)
from simulators.onvif_camera.picture import draw
from simulators.onvif_camera.soap import REQUEST_BYTES_MAX, Call, SoapFault, read_call, write_fault, write_reply

PULL_POINTS_MAX: Final = 4


class OnvifCamera:
    """One camera. Use as `async with OnvifCamera() as camera`; clients connect to `camera.address`.

    `topics` are what it can notice. `events=False` leaves the event service out. `http_digest_only` wants HTTP digest for
    SOAP too. `by_parameter` names pull points by a reference parameter instead of their own address.
    """

    def __init__(
        self,
        *,
        name: str = "camera",
        username: str = "secd",
        password: str = "camera-password",  # noqa: S107  a simulator's
        port: int = 0,
        topics: tuple[Topic, ...] = (CELL_MOTION, SCENE_CHANGE, digital_input("1")),
        events: bool = True,
        http_digest_only: bool = False,
        by_parameter: bool = False,
        algorithms: tuple[str, ...] = ("SHA-256", "MD5"),
        pull_points_max: int = PULL_POINTS_MAX,
        tls: ssl.SSLContext | None = None,
        clock: SimulatedClock | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.login = Login(username, password)
        self.clock = clock or SimulatedClock()
        self.calls: Counter[str] = Counter()
        """How often each operation was asked for; a picture counts as GET."""
        self.refusals: deque[str] = deque(maxlen=100)
        self._http_digest_only = http_digest_only
        self._tls = tls
        self._tokens = TokenGate(self.login, self.clock)
        self._digests = HttpDigestGate(self.login, self.clock, algorithms)
        self._properties = Properties(self.clock, topics, pull_points_max=pull_points_max)
        self._operations = Operations(
            name, self.clock, self._properties, self.reboot, events=events, by_parameter=by_parameter
        )
        self._closing = asyncio.Event()
        self._misbehaviour = Misbehaviour(self._closing)
        self._changed = asyncio.Condition()
        self._boots = 1
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        for path in (DEVICE_PATH, MEDIA_PATH, EVENT_PATH, PULL_POINT_PATH, PULL_POINT_PATH + "/{id}"):
            app.router.add_post(path, self._soap)
        app.router.add_get(SNAPSHOT_PATH, self._snapshot)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=1.0, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        self._operations.origin = self.address
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop serving."""
        self._closing.set()
        self._properties.forget_all()
        if self._runner is not None:
            self.drop_connections()
            await self._runner.cleanup()
            self._runner = None

    @property
    def address(self) -> str:
        """Where it really is."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    @property
    def pull_points(self) -> tuple[str, ...]:
        """The living pull points."""
        return self._properties.pull_points

    async def called(self, operation: str, times: int = 1) -> None:
        """Return once `operation` was asked for `times` times in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.calls[operation] >= times)

    # --- what may be done to it --------------------------------------------------------------------------------------

    def motion(self, *, on: bool = True) -> None:
        """Something moves, or nothing any more."""
        self._change(lambda topic: "motion" in topic.path.lower(), on=on)

    def tamper(self, *, on: bool = True) -> None:
        """The camera is covered or turned, or set right."""
        self._change(lambda topic: topic.path.endswith("Tamper") or "GlobalSceneChange" in topic.path, on=on)

    def digital_input(self, *, on: bool = True, token: str = "1") -> None:  # noqa: S107  a contact's name
        """A contact at the camera closes or opens."""
        self._properties.change(digital_input(token), on=on)

    def reboot(self) -> None:
        """Start anew: every connection and every pull point is gone."""
        self._boots += 1
        self._properties.forget_all()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Cut every connection there is, and nothing else, as cameras do between two requests."""
        server = self._runner.server if self._runner is not None else None
        for connection in list(server.connections) if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()

    def forget_pull_points(self) -> None:
        """Lose every pull point but no connection, as some cameras do when one client unsubscribes."""
        self._properties.forget_all()

    def jump_clock(self, *, seconds: Annotated[float, Ge(-4e8), Le(4e8)]) -> None:
        """Step the camera's clock."""
        self.clock.jump(seconds)

    def set_password(self, *, password: str) -> None:
        """Change the login."""
        self.login.change(password)

    def expire_nonces(self) -> None:
        """Make every HTTP digest nonce stale."""
        self._digests.expire()

    def misbehave(self, *, how: Hostility, operation: str = "", elsewhere: str = "") -> None:
        """Answer `operation` (all when "") badly until `behave`; GET is the picture."""
        self._misbehaviour.how = how
        self._misbehaviour.operation = operation
        self._misbehaviour.elsewhere = elsewhere or self._misbehaviour.elsewhere

    def answer_with(self, envelope: bytes, *, operation: str) -> None:
        """Answer `operation` with these bytes until `behave`."""
        self._misbehaviour.given = envelope
        self._misbehaviour.operation = operation

    def announce(self, *, services: str = "", pull_point: str = "", snapshot: str = "") -> None:
        """Name these origins instead of the true one for services, pull points and pictures; "" is the truth."""
        self._operations.announced = Announced(services=services, pull_point=pull_point, snapshot=snapshot)

    def behave(self) -> None:
        """Be a good camera again."""
        self._misbehaviour.how = None
        self._misbehaviour.given = b""
        self.announce()

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """What the control interface may do."""
        return {
            "motion": self.motion,
            "tamper": self.tamper,
            "digital_input": self.digital_input,
            "reboot": self.reboot,
            "drop_connections": self.drop_connections,
            "forget_pull_points": self.forget_pull_points,
            "jump_clock": self.jump_clock,
            "set_password": self.set_password,
            "expire_nonces": self.expire_nonces,
            "misbehave": self.misbehave,
            "announce": self.announce,
            "behave": self.behave,
        }

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return {
            "address": self.address,
            "clock": self.clock.utc(),
            "boots": self._boots,
            "properties": self._properties.states(),
            "pull_points": self.pull_points,
            "misbehaves": self._misbehaviour.how,
            "calls": dict(self.calls),
            "refusals": list(self.refusals),
        }

    # --- HTTP --------------------------------------------------------------------------------------------------------

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        try:
            call = read_call(await request.read())
            await self._count(call.operation)
            if self._misbehaviour.touches(call.operation):
                return await self._misbehaviour.answer(request)
            challenge = self._admit(request, call)
            if challenge is not None:
                return challenge
            content = await self._operations.answer(call, named=request.match_info.get("id", ""))
        except SoapFault as fault:
            self.refusals.append(fault.reason)
            return web.Response(body=write_fault(fault), status=fault.status, content_type="application/soap+xml")
        return web.Response(body=write_reply(content, call), content_type="application/soap+xml", charset="utf-8")

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        await self._count("GET")
        if self._misbehaviour.touches("GET"):
            return await self._misbehaviour.answer(request)
        challenge = self._check_http_digest(request)
        if challenge is not None:
            return challenge
        moving = any(on for path, on in self._properties.states().items() if "motion" in path.lower())
        jpeg = await asyncio.to_thread(draw, self.name, self.clock.utc(), motion=moving)
        return web.Response(body=jpeg, content_type="image/jpeg")

    async def _count(self, operation: str) -> None:
        async with self._changed:
            self.calls[operation] += 1
            self._changed.notify_all()

    def _admit(self, request: web.Request, call: Call) -> web.Response | None:
        if call.operation in UNAUTHENTICATED:
            return None
        if self._http_digest_only or not self._tokens.carried_by(call):
            return self._check_http_digest(request)
        self._tokens.check(call)
        return None

    def _check_http_digest(self, request: web.Request) -> web.Response | None:
        said = request.headers.get("Authorization", "")
        verdict = self._digests.check(said, request.method, request.path_qs) if said else HttpVerdict.REFUSED
        if verdict is HttpVerdict.ACCEPTED:
            return None
        self.refusals.append("HTTP digest")
        response = web.Response(status=401, text="401")
        for value in self._digests.challenges(stale=verdict is HttpVerdict.STALE):
            response.headers.add("WWW-Authenticate", value)
        return response

    def _change(self, wanted: Callable[[Topic], bool], *, on: bool) -> None:
        topics = [topic for topic in self._properties.topics if wanted(topic)]
        if not topics:
            raise ValueError("this camera cannot notice that")
        for topic in topics:
            self._properties.change(topic, on=on)
