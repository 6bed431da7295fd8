"""`secd-sim board`: serve the board of any profile, close its contacts, present a card."""

from pathlib import Path

import click

from secd.config.modbus.format import Profile
from secd.config.modbus.load import SHIPPED, load_profiles, shipped_profile
from secd.config.render import render_problem
from secd.model.errors import ConfigError
from simulators.command_line import control_option, do, serve
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.electronics import VendorTool


@click.group()
def board() -> None:
    """Boards of any maker, by their profile: serve one, close a contact, present a card."""


@board.command("serve")
@click.argument("profile")
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A site's file with modbus_profiles."
)
@click.option("--name", default="board", show_default=True, help="Its name at the control interface.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where it speaks Modbus/TCP; any free one by default."
)
@click.option("--unit", type=click.IntRange(1, 247), default=1, show_default=True)
@click.option(
    "--watchdog-s", type=float, help="What the maker's tool has set, where the profile leaves the watchdog to that."
)
@control_option
def serve_one(
    *, profile: str, file: Path | None, name: str, port: int, unit: int, watchdog_s: float | None, control_port: int
) -> None:
    """Serve one board of PROFILE on the loopback until interrupted."""
    try:
        one = ProfileBoard(
            _find(profile, file), name=name, unit=unit, port=port, tool=VendorTool(watchdog_s=watchdog_s)
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    serve([(one, one)], control_port, lambda: f"{name} speaks Modbus at tcp://127.0.0.1:{one.port}")


@board.command("press")
@click.argument("name")
@click.argument("point", type=int)
@click.option("--ms", type=float, default=500, show_default=True, help="How long, and as long a pause between.")
@click.option("--times", type=int, default=1, show_default=True)
@control_option
def press(name: str, point: int, ms: float, times: int, control_port: int) -> None:
    """Close the contact of input POINT of the board NAME for a while."""
    do(name, "press", {"point": point, "ms": ms, "times": times}, control_port)


@board.command("present-card")
@click.argument("name")
@click.argument("bits")
@control_option
def present_card(name: str, bits: str, control_port: int) -> None:
    """Hold a card with these BITS (0 and 1) to the reader NAME; exit code 5 when it takes none now."""
    do(name, "present_card", {"bits": bits}, control_port)


def _find(name: str, file: Path | None) -> Profile:
    try:
        profiles = {} if file is None else load_profiles(file)
    except ConfigError as error:
        raise click.UsageError("\n".join(render_problem(problem) for problem in error.problems)) from error
    if name in profiles:
        return profiles[name]
    if name in SHIPPED:
        return shipped_profile(name)
    known = ", ".join([*profiles, *SHIPPED])
    raise click.UsageError(f"there is no profile {name!r}; there are: {known}")
