"""What the `secd-sim` commands share: ask a running simulator through its control interface, or serve some until told to stop.

Exit codes: 0 done, 1 it failed, 2 usage (no such simulator, action or argument), 4 nobody listens, 5 it refused.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from simulators.control import PORT, Control, ControlError, Simulator, call_control, serve_control
from simulators.mqtt_peer import Login

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


def login_options(command: F) -> F:
    """`--username` and `--password-file`: who a simulator is at the broker, or whom a broker lets in."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--password-file", type=file, help="Holds the password."),
        click.option("--username", help="Login at the broker; none by default."),
    ):
        command = option(command)
    return command


def broker_option(command: F) -> F:
    """`--broker URL`."""
    option = click.option("--broker", default="mqtt://127.0.0.1:17883", show_default=True, help="Where the broker is.")
    return option(command)


def login(username: str | None, password_file: Path | None) -> Login | None:
    """Both of `login_options`, or neither."""
    if username is None or password_file is None:
        if username is not None or password_file is not None:
            raise click.UsageError("a login is --username with --password-file")
        return None
    return Login(username=username, password=password_file.read_text().strip())


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
            " start some with `secd-sim demo`, `secd-sim site` or `secd-sim door serve`, or name another port with --control",
        )


def do(simulator: str, action: str, arguments: Mapping[str, Any], control_port: int) -> None:
    """Carry out one action and print what came of it; False (nobody got through the door) is exit code 5."""
    result = ask(f"/{simulator}/{action}", arguments, control_port)["result"]
    if result is not None:
        show(result)
    if result is False:
        raise SystemExit(REFUSED)


def named(of_all: Mapping[str, Any], name: str) -> Any:
    """What belongs to the simulator `name`; ends the program with the names there are."""
    if name not in of_all:
        _end(USAGE, f"there is no simulator {name!r}; there are: {', '.join(sorted(of_all))}")
    return of_all[name]


def show(value: Any) -> None:
    """Print JSON for people and programs."""
    click.echo(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def serve(
    simulators: Sequence[tuple[Simulator, AbstractAsyncContextManager[object]]],
    control_port: int,
    says: Callable[[], str],
) -> None:
    """Run simulators and their control interface until SIGINT or SIGTERM; prints what `says` once they listen."""
    run_until_told(_under_control(simulators, control_port, says))


def run_until_told(running: AbstractAsyncContextManager[str]) -> None:
    """Enter `running`, print what it yields, and leave it on SIGINT or SIGTERM."""
    asyncio.run(_run_until_told(running))


async def _run_until_told(running: AbstractAsyncContextManager[str]) -> None:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    try:
        async with running as says:
            click.echo(says)
            await told_to_stop.wait()
    except OSError as error:
        _end(FAILED, f"cannot listen: {error.strerror or error}")


@asynccontextmanager
async def _under_control(
    simulators: Sequence[tuple[Simulator, AbstractAsyncContextManager[object]]],
    control_port: int,
    says: Callable[[], str],
) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        for _, running in simulators:
            await stack.enter_async_context(running)
        control = Control([simulator for simulator, _ in simulators])
        port = await stack.enter_async_context(serve_control(control, port=control_port))
        yield f"{says()}; control interface at http://127.0.0.1:{port}"


def _end(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)
