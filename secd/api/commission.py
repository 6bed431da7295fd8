"""Routes of commissioning: what is tried by hand, step by step, and a device's points as they move.

In: a step of a door or panic point, and who tries it. Out: what was seen, as JSON. A point whose alarm is silent is
unknown to whoever may not see silent alarms (S12).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias, TypeVar

from aiohttp import web
from pydantic import ValidationError

from secd.api.openapi import Route
from secd.api.ports import Commissioner, Ports, View
from secd.api.requests import Body, SignCommand, StepAnswer, StepSkip, StepWatch
from secd.model.entry import Answer

BodyT = TypeVar("BodyT", bound=Body)
Stream: TypeAlias = Callable[[web.Request, AsyncGenerator[View | None, None]], Awaitable[web.StreamResponse]]
STATUS_OF = {"busy": 503, "unknown_target": 404}


def commission_routes(
    ports: Ports, stream: Stream, *, see_silent: Callable[[web.Request], bool], who: Callable[[web.Request], str]
) -> tuple[Route, ...]:
    """The rows of the API's table; none where nothing can be commissioned."""
    if ports.commissioning is None:
        return ()
    routes = _Routes(ports.commissioning, stream, see_silent, who)
    target, step = "/v1/commission/{target}", "/v1/commission/{target}/steps/{step}"
    may = "commission"
    return (
        Route(
            "GET", "/v1/devices/{device}/points/follow", "see", routes.follow, says="a device's points, as they move"
        ),
        Route("GET", "/v1/commission", "see", routes.targets, says="every door and panic point: commissioned or not"),
        Route("GET", "/v1/commission-records", "see", routes.records, says="every step on record"),
        Route("GET", target, "see", routes.plan, says="its steps, and what is on record of them"),
        Route("POST", f"{step}/watch", may, routes.watch, StepWatch, says="wait for what the step awaits"),
        Route("POST", f"{step}/answer", may, routes.answer, StepAnswer, says="what the person saw"),
        Route("POST", f"{step}/skip", may, routes.skip, StepSkip, says="leave a step out, with a reason"),
        Route("POST", f"{target}/complete", may, routes.complete, SignCommand, says="sign for the whole of it"),
    )


class _Routes:
    def __init__(
        self,
        commissioner: Commissioner,
        stream: Stream,
        see_silent: Callable[[web.Request], bool],
        who: Callable[[web.Request], str],
    ) -> None:
        self._commissioner = commissioner
        self._stream = stream
        self._see_silent = see_silent
        self._who = who

    async def follow(self, request: web.Request) -> web.StreamResponse:
        try:
            lines = await self._commissioner.follow(request.match_info["device"], self._see_silent(request))
        except ValueError as error:
            return _say(404, "unknown_target", str(error))
        return await self._stream(request, lines)

    async def targets(self, request: web.Request) -> web.Response:
        shown = [view for view in self._commissioner.targets() if self._may_know(request, str(view["target"]))]
        return web.json_response({"targets": shown})

    async def records(self, request: web.Request) -> web.Response:
        rows = [row for row in await self._commissioner.records() if self._may_know(request, str(row["target"]))]
        return web.json_response({"records": rows})

    async def plan(self, request: web.Request) -> web.Response:
        target = request.match_info["target"]
        plan = self._commissioner.plan(target) if self._may_know(request, target) else None
        return _unknown(target) if plan is None else web.json_response(plan)

    async def watch(self, request: web.Request) -> web.Response:
        async def ask(body: StepWatch) -> View | Answer:
            return await self._commissioner.watch(
                *_named(request), technician=body.technician, operator=self._who(request), since=body.since,
                limit_s=body.limit_s, is_there=lambda: request.transport is not None,
            )  # fmt: skip

        return await self._do(request, StepWatch, ask)

    async def answer(self, request: web.Request) -> web.Response:
        async def ask(body: StepAnswer) -> View | Answer:
            return await self._commissioner.answer(
                *_named(request), technician=body.technician, operator=self._who(request), yes=body.yes, note=body.note
            )

        return await self._do(request, StepAnswer, ask)

    async def skip(self, request: web.Request) -> web.Response:
        async def ask(body: StepSkip) -> View | Answer:
            return await self._commissioner.skip(
                *_named(request), technician=body.technician, operator=self._who(request), reason=body.reason
            )

        return await self._do(request, StepSkip, ask)

    async def complete(self, request: web.Request) -> web.Response:
        async def ask(body: SignCommand) -> View | Answer:
            target = request.match_info["target"]
            return await self._commissioner.complete(target, technician=body.technician, operator=self._who(request))

        return await self._do(request, SignCommand, ask)

    async def _do(
        self, request: web.Request, kind: type[BodyT], ask: Callable[[BodyT], Awaitable[View | Answer]]
    ) -> web.Response:
        target = request.match_info["target"]
        if not self._may_know(request, target):
            return _unknown(target)
        try:
            body = kind.model_validate_json(await request.read())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return _say(400, "bad_request", f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}")
        answer = await ask(body)
        if isinstance(answer, Answer):
            return _say(STATUS_OF.get(answer.code, 409), answer.code, answer.detail)
        return web.json_response({"done": True, **answer})

    def _may_know(self, request: web.Request, target: str) -> bool:
        return self._see_silent(request) or not self._commissioner.is_silent(target)


def _named(request: web.Request) -> tuple[str, str]:
    return request.match_info["target"], request.match_info["step"]


def _unknown(target: str) -> web.Response:
    return _say(404, "unknown_target", f"there is no door or panic point {target[:200]}")


def _say(status: int, code: str, detail: str) -> web.Response:
    return web.json_response({"done": False, "code": code, "detail": detail}, status=status)
