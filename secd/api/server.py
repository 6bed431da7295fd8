"""What is served on the Unix socket: routes, who may use them, and how a refusal reads.

In: HTTP/1.1 from local processes, bodies of at most 64 KB. Out: JSON; `/v1/events/follow` is one JSON object a line.
Every command becomes an audited event, refused ones too. It takes no signals and opens no network port.
"""

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from secd.api.commission import commission_routes
from secd.api.openapi import Route, openapi_document
from secd.api.operators import Operator, peer_uid
from secd.api.ports import Ports, View
from secd.api.requests import (
    AlarmCommand,
    Body,
    ClockCommand,
    DoorCommand,
    FireCommand,
    HandOverCommand,
    LevelCommand,
    OverrideCommand,
    PointCommand,
    ReloadCommand,
    UnlockCommand,
)
from secd.model.entry import Answer
from secd.model.errors import StoreFailed
from secd.model.facts import CommandGiven
from secd.runtime.supervisor import contain

_log = logging.getLogger(__name__)
BODY_BYTES_MAX = 64 * 1024
STATUS_OF = {"ok": 200, "busy": 503, "unknown_target": 404, "bad_request": 400, "forbidden": 403}
CONFLICT = 409
NAME_CHARS_MAX = 200
FOLLOWERS_MAX = 32
BodyT = TypeVar("BodyT", bound=Body)
OPERATOR: web.RequestKey[Operator] = web.RequestKey("operator", Operator)
UID: web.RequestKey[int] = web.RequestKey("uid", int)


class Api:
    """The routes over one set of ports."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._followers = 0
        self.routes = self._routes()

    def application(self) -> web.Application:
        """The aiohttp application, ready to run."""
        application = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_in_words, self._who_is_asking])
        for route in self.routes:
            application.router.add_route(route.method, route.path, self._guarded(route))
        application.router.add_get("/v1/openapi.json", self._openapi)
        return application

    def _routes(self) -> tuple[Route, ...]:
        door = "/v1/doors/{door}"
        alarm = "/v1/alarms/{alarm}"
        return (
            Route("GET", "/v1/status", "see", self._status, says="one screen of how things are"),
            Route("GET", "/v1/doors", "see", self._doors, says="every door: mode, why, contact, lock"),
            Route("GET", "/v1/devices", "see", self._devices, says="every device's link"),
            Route("GET", "/v1/alarms", "see", self._alarms, says="open alarms; ?all=true for closed ones too"),
            Route("GET", "/v1/events", "see", self._events, says="events by kind, subject, area, since, limit"),
            Route(
                "GET", "/v1/events/follow", "see", self._follow, says="events as they are stored, a JSON object a line"
            ),
            Route("GET", "/v1/metrics", "see", self._metrics, says="Prometheus text"),
            Route(
                "POST", f"{door}/release", "command_doors", self._release, DoorCommand, says="let one passage through"
            ),
            Route(
                "POST", f"{door}/lock", "command_doors", self._lock, DoorCommand, says="end an unlock, or hold locked"
            ),
            Route("POST", f"{door}/unlock", "command_doors", self._unlock, UnlockCommand, says="unlock until a moment"),
            *self._override_routes(door),
            Route("POST", "/v1/levels/set", "command_doors", self._set_level, LevelCommand, says="set a threat level"),
            Route("POST", "/v1/levels/end", "command_doors", self._end_level, LevelCommand, says="end a threat level"),
            Route(
                "POST",
                "/v1/fire/{zone}/restore",
                "command_doors",
                self._restore_fire,
                FireCommand,
                says="end a fire alarm whose panel has reset",
            ),
            Route("POST", f"{alarm}/acknowledge", "acknowledge", self._acknowledge, AlarmCommand, says="own an alarm"),
            Route("POST", f"{alarm}/close", "acknowledge", self._close, AlarmCommand, says="close an alarm"),
            Route("POST", "/v1/reload", "administer", self._reload, ReloadCommand, says="reload the site's files"),
            *commission_routes(
                self._ports, self._stream, see_silent=_sees_silent, who=lambda request: request[OPERATOR].id
            ),
            Route("POST", "/v1/clock/accept", "administer", self._accept_clock, ClockCommand, says="believe the clock"),
        )

    def _override_routes(self, door: str) -> tuple[Route, ...]:
        hold = self._to_door("door.hold", UnlockCommand)
        shunt = self._to_door("door.shunt", UnlockCommand)
        disable = self._to_door("reader.disable", UnlockCommand)
        enable = self._to_door("reader.enable", DoorCommand)
        point = "/v1/points/{point}/out-of-service"
        may = "command_doors"
        return (
            Route("POST", f"{door}/hold", may, hold, UnlockCommand, says="permit it to stand open until a moment"),
            Route("POST", f"{door}/shunt", may, shunt, UnlockCommand, says="no forced or held alarm until a moment"),
            Route("POST", f"{door}/disable-reader", may, disable, UnlockCommand, says="no card enters until a moment"),
            Route("POST", f"{door}/enable-reader", may, enable, DoorCommand, says="the reader serves again"),
            Route("POST", point, may, self._out_of_service, PointCommand, says="two operators and a work order (S13)"),
            Route("GET", "/v1/overrides", "see", self._overrides, says="everything that stands, and when it ends"),
            Route("POST", "/v1/overrides/end", may, self._end_override, OverrideCommand, says="end an override"),
            Route("POST", "/v1/overrides/hand-over", may, self._hand_over, HandOverCommand, says="hand the shift over"),
        )

    @web.middleware
    async def _who_is_asking(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        uid = request[UID] = peer_uid(request.get_extra_info("socket"))
        operator = self._ports.operators().get(uid)
        if operator is None:
            self._ports.refused(
                CommandGiven(verb=f"{request.method[:10]} {request.path[:100]}", target="", reason=""), f"uid {uid}"
            )
            told = f"uid {uid} is no operator: an administrator adds it under `operators` in the site's files"
            return _say(403, "unmapped", told)
        request[OPERATOR] = operator
        return await handler(request)

    def _guarded(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            operator = request[OPERATOR]
            target = next(iter(request.match_info.values()), "")
            if len(target) > NAME_CHARS_MAX:
                return _say(404, "unknown_target", f"no name is longer than {NAME_CHARS_MAX} characters")
            if route.permission not in operator.may:
                self._ports.refused(
                    CommandGiven(verb=f"{route.method} {route.path}", target=target, reason=""), operator.id
                )
                return _say(403, "forbidden", f"operator {operator.id!r} has no role that may {route.permission}")
            return await route.handler(request)

        return guarded

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.json_response(openapi_document(self.routes))

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(self._ports.status(_sees_silent(request)))

    async def _doors(self, _: web.Request) -> web.Response:
        return web.json_response({"doors": list(self._ports.doors())})

    async def _devices(self, _: web.Request) -> web.Response:
        return web.json_response({"devices": list(self._ports.devices())})

    async def _alarms(self, request: web.Request) -> web.Response:
        everything = request.query.get("all") == "true"
        return web.json_response({"alarms": list(await self._ports.alarms(everything, _sees_silent(request)))})

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._ports.metrics(), content_type="text/plain")

    async def _events(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(
                {"events": list(await self._ports.events(dict(request.query), _sees_silent(request)))}
            )
        except ValueError as error:
            return _say(400, "bad_request", str(error))

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        if self._followers >= FOLLOWERS_MAX:
            return _say(503, "busy", f"{FOLLOWERS_MAX} readers follow already")
        try:
            lines = await self._ports.follow(dict(request.query), _sees_silent(request))
        except ValueError as error:
            return _say(400, "bad_request", str(error))
        return await self._stream(request, lines)

    async def _stream(self, request: web.Request, lines: AsyncGenerator[View | None, None]) -> web.StreamResponse:
        if self._followers >= FOLLOWERS_MAX:
            return _say(503, "busy", f"{FOLLOWERS_MAX} readers follow already")
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        self._followers += 1
        try:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError, StoreFailed):  # the reader went, or the log cannot be read
                async with contextlib.aclosing(lines):
                    await self._write_lines(request, response, lines)
        finally:
            self._followers -= 1
        return response

    async def _write_lines(
        self, request: web.Request, response: web.StreamResponse, lines: AsyncGenerator[View | None, None]
    ) -> None:
        async for view in lines:
            if self._is_over(request):
                return
            if view is not None:
                await response.write(json.dumps(view).encode() + b"\n")

    def _is_over(self, request: web.Request) -> bool:
        """Whether the reader went, or is no longer who they were when they began: a reload took it from them."""
        return request.transport is None or self._ports.operators().get(request[UID]) != request[OPERATOR]

    async def _overrides(self, _: web.Request) -> web.Response:
        return web.json_response({"overrides": list(self._ports.overrides())})

    async def _end_override(self, request: web.Request) -> web.Response:
        body = await _read(request, OverrideCommand)
        if isinstance(body, web.Response):
            return body
        command = CommandGiven(verb="override.end", target=body.override, reason=body.reason)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _hand_over(self, request: web.Request) -> web.Response:
        body = await _read(request, HandOverCommand)
        if isinstance(body, web.Response):
            return body
        command = CommandGiven(verb="overrides.hand_over", target="overrides", reason=body.reason, args={"to": body.to})
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _out_of_service(self, request: web.Request) -> web.Response:
        body = await _read(request, PointCommand)
        if isinstance(body, web.Response):
            return body
        command = CommandGiven(
            verb="point.out_of_service", target=request.match_info["point"], reason=body.reason, until=body.until,
            args={"work_order": body.work_order},
        )  # fmt: skip
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    def _to_door(
        self, verb: str, kind: type[DoorCommand] | type[UnlockCommand]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def to_door(request: web.Request) -> web.Response:
            return await self._door_command(request, verb, kind)

        return to_door

    async def _release(self, request: web.Request) -> web.Response:
        return await self._door_command(request, "door.release", DoorCommand)

    async def _lock(self, request: web.Request) -> web.Response:
        return await self._door_command(request, "door.lock", DoorCommand)

    async def _unlock(self, request: web.Request) -> web.Response:
        return await self._door_command(request, "door.unlock", UnlockCommand)

    async def _door_command(
        self, request: web.Request, verb: str, kind: type[DoorCommand] | type[UnlockCommand]
    ) -> web.Response:
        body = await _read(request, kind)
        if isinstance(body, web.Response):
            return body
        command = CommandGiven(verb=verb, target=request.match_info["door"], reason=body.reason, until=body.until)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _set_level(self, request: web.Request) -> web.Response:
        return await self._level_command(request, "level.set")

    async def _end_level(self, request: web.Request) -> web.Response:
        return await self._level_command(request, "level.end")

    async def _level_command(self, request: web.Request, verb: str) -> web.Response:
        body = await _read(request, LevelCommand)
        if isinstance(body, web.Response):
            return body
        args = {"level": body.level, "area": body.area}
        command = CommandGiven(verb=verb, target=body.area, reason=body.reason, args=args)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _restore_fire(self, request: web.Request) -> web.Response:
        body = await _read(request, FireCommand)
        if isinstance(body, web.Response):
            return body
        command = CommandGiven(verb="fire.restore", target=request.match_info["zone"], reason=body.reason)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _acknowledge(self, request: web.Request) -> web.Response:
        return await self._alarm_command(request, "alarm.acknowledge")

    async def _close(self, request: web.Request) -> web.Response:
        return await self._alarm_command(request, "alarm.close")

    async def _alarm_command(self, request: web.Request, verb: str) -> web.Response:
        body = await _read(request, AlarmCommand)
        if isinstance(body, web.Response):
            return body
        args = {"rev": str(body.rev)}
        command = CommandGiven(verb=verb, target=request.match_info["alarm"], reason=body.note, args=args)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))

    async def _reload(self, request: web.Request) -> web.Response:
        body = await _read(request, ReloadCommand)
        if isinstance(body, web.Response):
            return body
        return _tell(await self._ports.reload(request[OPERATOR].id, body.reason, body.approve))

    async def _accept_clock(self, request: web.Request) -> web.Response:
        body = await _read(request, ClockCommand)
        if isinstance(body, web.Response):
            return body
        self._ports.accept_clock()
        command = CommandGiven(verb="clock.accept", target="clock", reason=body.reason)
        return _tell(await self._ports.submit(command, request[OPERATOR].id))


@web.middleware
async def _in_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Every refusal is JSON with a code and a line for a person, whoever refused."""
    answer = await contain(handler(request))
    match answer:
        case web.HTTPException():
            return _say(answer.status, "bad_request" if answer.status != 404 else "unknown_route", answer.reason)
        case StoreFailed():
            return _say(503, "store_unavailable", "the log cannot be read at present: `secd status`")
        case Exception():
            _log.error("a request failed", exc_info=answer, extra={"method": request.method, "path": request.path})
            return _say(500, "failed", "secd failed at this request; its log says why")
    return answer


def _sees_silent(request: web.Request) -> bool:
    return "see_silent" in request[OPERATOR].may


async def _read(request: web.Request, kind: type[BodyT]) -> BodyT | web.Response:
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return _say(400, "bad_request", f"{where}: {first['msg']}")


def _tell(answer: Answer) -> web.Response:
    status = 200 if answer.done else STATUS_OF.get(answer.code, CONFLICT)
    return _say(status, answer.code, answer.detail)


def _say(status: int, code: str, detail: str) -> web.Response:
    return web.json_response({"done": status == 200, "code": code, "detail": detail}, status=status)
