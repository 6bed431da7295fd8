"""`secd-sim buttons`: serve a gateway of wireless buttons, and carry the buttons."""

from pathlib import Path

import click

from simulators.command_line import broker_option, control_option, do, login, login_options, serve
from simulators.wireless_buttons.gateway import REPEAT_S_MAX, WirelessButtons

NAME = "wireless-buttons"
name_option = click.option("--name", default=NAME, show_default=True, help="The gateway at the control interface.")


@click.group()
def buttons() -> None:
    """Wireless buttons: serve a gateway, press a button, jam the radio."""


@buttons.command("serve")
@name_option
@broker_option
@click.option("--topic", default="buttons/courthouse", show_default=True, help="What its messages are published below.")
@click.option("--check-in-s", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True)
@click.argument("names", nargs=-1, required=True, metavar="BUTTON...")
@login_options
@control_option
def serve_gateway(
    *, name: str, broker: str, topic: str, check_in_s: float, names: tuple[str, ...], username: str | None,
    password_file: Path | None, control_port: int,
) -> None:  # fmt: skip
    """Serve a gateway with these BUTTONs until interrupted."""
    gateway = WirelessButtons(
        broker=broker,
        topic=topic,
        buttons=names,
        name=name,
        login=login(username, password_file),
        check_in_s=check_in_s,
    )
    serve([(gateway, gateway)], control_port, lambda: f"{name} publishes below {topic} at {broker}")


@buttons.command("press")
@name_option
@click.argument("button")
@click.option("--lockdown", is_flag=True, help="A lockdown press instead of help.")
@click.option("--presses", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--repeat-s",
    type=click.FloatRange(0, REPEAT_S_MAX),
    default=0.0,
    help="Repeat the message that long, as real ones do.",
)
@control_option
def press(*, name: str, button: str, lockdown: bool, presses: int, repeat_s: float, control_port: int) -> None:
    """Press BUTTON; prints the press's id."""
    pressed = {"button": button, "press": "lockdown" if lockdown else "help", "presses": presses, "repeat_s": repeat_s}
    do(name, "press", pressed, control_port)


@buttons.command("check-in")
@name_option
@click.argument("button")
@control_option
def check_in(name: str, button: str, control_port: int) -> None:
    """BUTTON says that its radio works."""
    do(name, "check_in", {"button": button}, control_port)


@buttons.command("battery")
@name_option
@click.argument("button")
@click.argument("percent", type=click.IntRange(0, 100))
@control_option
def battery(name: str, button: str, percent: int, control_port: int) -> None:
    """Set the charge of BUTTON."""
    do(name, "battery", {"button": button, "percent": percent}, control_port)


@buttons.command("jam")
@name_option
@click.argument("button", default="")
@click.option("--over", is_flag=True, help="It is over.")
@control_option
def jam(name: str, button: str, over: bool, control_port: int) -> None:
    """Jam the radio of BUTTON, or of all."""
    do(name, "jam", {"button": button, "jammed": not over}, control_port)
