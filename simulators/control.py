"""The control interface: every simulator offers `name`, `actions()` and `state()`; this puts them behind HTTP.

In: `POST /{simulator}/{action}` with a JSON object of arguments, `GET /state`, `GET /actions`, on the loopback only.
Out: JSON; the result of the action, or `{"error": ..., "problems": [...]}` with a 4xx that says what to write instead.
Arguments are checked against the action's own signature, so that an action is one typed method and nothing else.
It refuses other hosts' names, other content types and bodies over 64 KiB: a web page must not be able to open doors.
"""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

HOST: Final = "127.0.0.1"
PORT: Final = 17_900
BODY_BYTES_MAX: Final = 65_536
ACTION_S_MAX: Final = 60.0
_LOCAL_NAMES: Final = frozenset({"127.0.0.1", "localhost"})


class Simulator(Protocol):
    """What the control interface can drive.

    An action is a typed callable, plain or async; its parameters are the arguments. It raises ValueError when it cannot
    do that now (the wire is cut already), which is answered 409.
    """

    @property
    def name(self) -> str:
        """What it is called at the control interface."""

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What may be done to it."""

    def state(self) -> dict[str, Any]:
        """How it stands, JSON-ready."""


class ControlError(Exception):
    """A request that was answered with an error: `status` and what was wrong, one line each."""

    def __init__(self, status: int, error: str, problems: Iterable[str] = ()) -> None:
        super().__init__(error)
        self.status = status
        self.problems = tuple(problems)


class Control:
    """The simulators of one site by name, in process."""

    def __init__(self, simulators: Iterable[Simulator] = ()) -> None:
        self._simulators: dict[str, Simulator] = {}
        for simulator in simulators:
            self.add(simulator)

    def add(self, simulator: Simulator) -> None:
        """Put one more under control."""
        if simulator.name in self._simulators:
            raise ValueError(f"there is a simulator named {simulator.name!r} already")
        self._simulators[simulator.name] = simulator

    def remove(self, name: str) -> None:
        """Let one go."""
        self._simulators.pop(name, None)

    async def do(self, simulator: str, action: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out one action; returns its result JSON-ready. Raises ControlError."""
        actions = self._named(simulator).actions()
        if action not in actions:
            raise ControlError(404, f"{simulator} cannot {action!r}", [f"it can {', '.join(sorted(actions))}"])
        perform = actions[action]
        checked = _check(action, perform, arguments)
        try:
            async with asyncio.timeout(ACTION_S_MAX):
                result = perform(**checked)
                if isinstance(result, Awaitable):
                    result = await result
        except ValueError as error:
            raise ControlError(409, str(error)) from error
        except TimeoutError as error:
            raise ControlError(409, f"{action} did not end within {ACTION_S_MAX:.0f} s") from error
        return to_jsonable_python(result)

    def state(self) -> dict[str, Any]:
        """The state of every simulator by name, JSON-ready."""
        return {name: to_jsonable_python(simulator.state()) for name, simulator in self._simulators.items()}

    def describe(self) -> dict[str, Any]:
        """Every action of every simulator with the JSON Schema of its arguments."""
        return {
            name: {
                action: _arguments_of(action, perform).model_json_schema() for action, perform in one.actions().items()
            }
            for name, one in self._simulators.items()
        }

    def _named(self, simulator: str) -> Simulator:
        if simulator not in self._simulators:
            known = ", ".join(sorted(self._simulators)) or "none"
            raise ControlError(404, f"there is no simulator {simulator!r}", [f"there are: {known}"])
        return self._simulators[simulator]


@asynccontextmanager
async def serve_control(control: Control, *, port: int = 0) -> AsyncIterator[int]:
    """Serve `control` on the loopback; yields the port."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_answer_errors])
    app.router.add_get("/state", _get_state)
    app.router.add_get("/actions", _get_actions)
    app.router.add_post("/{simulator}/{action}", _post_action)
    app[_CONTROL] = control
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def call_control(
    path: str, arguments: Mapping[str, Any] | None = None, *, port: int = PORT, timeout_s: float = 65.0
) -> Any:
    """One request from outside: GET `path`, or POST it with `arguments`. Raises ControlError, or OSError when nobody is there."""
    connection = HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        if arguments is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(arguments), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (HTTPException, ValueError) as error:
        raise ControlError(502, f"port {port} does not answer as a simulator does", [str(error)]) from error
    finally:
        connection.close()
    if response.status != web.HTTPOk.status_code:
        raise ControlError(response.status, answer.get("error", ""), answer.get("problems", ()))
    return answer


_CONTROL: Final = web.AppKey("control", Control)


def _arguments_of(action: str, perform: Callable[..., Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(perform, eval_str=True).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        fields[name] = (parameter.annotation, ... if required else parameter.default)
    return create_model(action, __config__=ConfigDict(extra="forbid"), **fields)


def _check(action: str, perform: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    model = _arguments_of(action, perform)
    try:
        checked = model.model_validate(dict(arguments))
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        wanted = ", ".join(model.model_fields) or "no arguments"
        raise ControlError(422, f"{action} takes {wanted}", problems) from error
    return {name: getattr(checked, name) for name in model.model_fields}


async def _get_state(request: web.Request) -> web.Response:
    return web.json_response(request.app[_CONTROL].state())


async def _get_actions(request: web.Request) -> web.Response:
    return web.json_response(request.app[_CONTROL].describe())


async def _post_action(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        raise ControlError(415, "send the arguments as application/json")
    try:
        arguments = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError) as error:
        raise ControlError(400, "the body is not JSON", [str(error)]) from error
    if not isinstance(arguments, dict):
        raise ControlError(400, "the body is a JSON object of arguments", [f"it was a {type(arguments).__name__}"])
    control = request.app[_CONTROL]
    result = await control.do(request.match_info["simulator"], request.match_info["action"], arguments)
    return web.json_response({"result": result})


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        if (request.url.host or "") not in _LOCAL_NAMES:
            raise ControlError(421, "the control interface answers to 127.0.0.1 only")
        return await handler(request)
    except ControlError as error:
        return web.json_response({"error": str(error), "problems": error.problems}, status=error.status)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason, "problems": []}, status=error.status)
