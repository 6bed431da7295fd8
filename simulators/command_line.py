"""What the `secd-sim` commands share: ask a running simulator through its control interface, or serve some until told to stop.

Exit codes: 0 done, 1 it failed, 2 usage (no such simulator, action or argument), 4 nobody listens, 5 it refused.
"""

import asyncio
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, NoReturn, TypeVar

import click

from simulators.control import PORT, Control, ControlError, Simulator, call_control, serve_control

FAILED, USAGE, UNREACHABLE, REFUSED = 1, 2, 4, 5
_EXITS: Final = {404: USAGE, 409: REFUSED, 422: USAGE}
F = TypeVar("F", bound=Callable[..., Any])


def control_option(command: F) -> F:
    """`--control PORT`, or SECD_SIM_CONTROL: where the control interface listens."""
    option = click.option(
        "--control",
        "control_port",
        type=click.IntRange(1, 65_535),
        default=PORT,
        show_default=True,
        envvar="SECD_SIM_CONTROL",
        help="Port of the control interface.",
    )
    return option(command)


def ask(path: str, arguments: Mapping[str, Any] | None, control_port: int) -> Any:
    """One request to the running simulators; ends the program with a message where that fails."""
    try:
        return call_control(path, arguments, port=control_port)
    except ControlError as error:
        _end(_EXITS.get(error.status, FAILED), "\n  ".join((str(error), *error.problems)))
    except OSError as error:
        _end(
            UNREACHABLE,
            f"no simulators at 127.0.0.1:{control_port} ({error.strerror or error});"
            " start some with `secd-sim demo` or `secd-sim door serve`, or name another port with --control",
        )


def do(simulator: str, action: str, arguments: Mapping[str, Any], control_port: int) -> None:
    """Carry out one action and print what came of it; False (nobody got through the door) is exit code 5."""
    result = ask(f"/{simulator}/{action}", arguments, control_port)["result"]
    if result is not None:
        show(result)
    if result is False:
        raise SystemExit(REFUSED)


def show(value: Any) -> None:
    """Print JSON for people and programs."""
    click.echo(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def serve(
    simulators: Sequence[tuple[Simulator, AbstractAsyncContextManager[object]]],
    control_port: int,
    says: Callable[[], str],
) -> None:
    """Run simulators and their control interface until SIGINT or SIGTERM; prints what `says` once they listen."""
    asyncio.run(_serve(simulators, control_port, says))


async def _serve(
    simulators: Sequence[tuple[Simulator, AbstractAsyncContextManager[object]]],
    control_port: int,
    says: Callable[[], str],
) -> None:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    async with AsyncExitStack() as stack:
        try:
            for _, running in simulators:
                await stack.enter_async_context(running)
            control = Control([simulator for simulator, _ in simulators])
            port = await stack.enter_async_context(serve_control(control, port=control_port))
        except OSError as error:
            _end(FAILED, f"cannot listen: {error.strerror or error}")
        click.echo(f"{says()}; control interface at http://127.0.0.1:{port}")
        await told_to_stop.wait()


def _end(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)
