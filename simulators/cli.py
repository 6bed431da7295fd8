"""`secd-sim`: the group. Commands are imported when they are called; another simulator is one row of COMMANDS.

Exit codes: 0 done, 1 it failed, 2 usage, 4 nobody listens, 5 it refused (a locked door, a wire cut already).
"""

from importlib import import_module
from typing import Any

import click

from simulators.command_line import ask, control_option, do, named, show

COMMANDS = {
    "demo": (
        "simulators.demo.play",
        "demo",
        "A guarded courthouse on this machine: devices, the real daemon, a story.",
    ),
    "site": ("simulators.demo.serve", "site", "The same courthouse without a daemon: start `secd run` yourself."),
    "door": ("simulators.door_controller.cli", "door", "Door controllers: serve one, present a card, walk through."),
    "panic": ("simulators.panic_panel.cli", "panic", "Panic panels: serve one, press a button."),
    "board": ("simulators.profile_board.cli", "board", "Boards of any maker: serve one by its Modbus profile."),
    "buttons": ("simulators.wireless_buttons.cli", "buttons", "Wireless buttons: serve a gateway, press a button."),
    "camera": ("simulators.onvif_camera.cli", "camera", "ONVIF cameras: serve one, let something move."),
    "station": (
        "simulators.monitoring_station.cli",
        "station",
        "Monitoring stations: serve one, acknowledge an alarm.",
    ),
    "broker": ("simulators.broker_command", "broker", "Serve an MQTT 5 broker on the loopback."),
}
_OWN = ("state", "actions", "do")


class LateGroup(click.Group):
    """A group whose further commands are imported only when one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order they are listed."""
        return [*_OWN, *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of our own, or import the one that was called."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 -- the table above names commands only
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, from the table: nothing is imported for it."""
        with formatter.section("Commands"):
            own = [(name, self.commands[name].get_short_help_str(80)) for name in _OWN]
            formatter.write_dl(own + [(name, says) for name, (_, _, says) in COMMANDS.items()])


@click.group(cls=LateGroup)
def main() -> None:
    """Simulated devices of a building, and what happens to them.

    \b
    Examples:
      secd-sim demo --once
      secd-sim site config/
      secd-sim door serve --port 17501 --name public-board
      secd-sim door present-card public-board 2 --format H10301 --facility 12 --number 1001
      secd-sim door walk-through public-board 2
      secd-sim do public-board tamper
      secd-sim do public-cable cut how=refused
      secd-sim camera motion east-cam
      secd-sim buttons press badge-1
      secd-sim station ack --note "two deputies sent"
      secd-sim state public-board
    """


@main.command()
@click.argument("name", required=False)
@control_option
def state(name: str | None, control_port: int) -> None:
    """How the simulators stand, or one of them."""
    states = ask("/state", None, control_port)
    show(states if name is None else named(states, name))


@main.command()
@click.argument("name", required=False)
@control_option
def actions(name: str | None, control_port: int) -> None:
    """What can be done to each simulator, with the arguments."""
    described = ask("/actions", None, control_port)
    for simulator in [name] if name else described:
        click.echo(simulator)
        for action, schema in sorted(named(described, simulator).items()):
            wanted = [_argument(key, one, schema) for key, one in schema["properties"].items()]
            click.echo(f"  {' '.join([action, *wanted])}")


@main.command("do")
@click.argument("name")
@click.argument("action")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@control_option
def do_action(name: str, action: str, arguments: tuple[str, ...], control_port: int) -> None:
    """Do ACTION to the simulator NAME; see `secd-sim actions`."""
    parted = [argument.partition("=") for argument in arguments]
    if wrong := [key for key, equals, _ in parted if not equals]:
        raise click.UsageError(f"write KEY=VALUE, not {', '.join(wrong)}")
    do(name, action.replace("-", "_"), {key.replace("-", "_"): value for key, _, value in parted}, control_port)


def _argument(key: str, schema: dict[str, Any], action: dict[str, Any]) -> str:
    if key in action.get("required", ()):
        return f"{key}={schema.get('type', '...')}"
    return f"[{key}={schema.get('default')}]"
