"""`secd-sim camera`: serve an ONVIF camera, and be what happens in front of it."""

from pathlib import Path
from typing import Any

import click

from simulators.command_line import control_option, do, serve
from simulators.onvif_camera.camera import OnvifCamera
from simulators.onvif_camera.hostile import Hostility

over = click.option("--over", is_flag=True, help="It is over.")


@click.group()
def camera() -> None:
    """ONVIF cameras: serve one, let something move, cover the lens."""


@camera.command("serve")
@click.option("--name", default="camera", show_default=True, help="Its name at the control interface.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where it speaks HTTP; any free one by default."
)
@click.option("--username", default="secd", show_default=True)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the password; camera-password by default.",
)
@click.option("--http-digest-only", is_flag=True, help="Want HTTP digest for SOAP too, as newer cameras do.")
@click.option("--no-events", is_flag=True, help="Leave the event service out, as a camera without analytics.")
@control_option
def serve_one(
    *, name: str, port: int, username: str, password_file: Path | None, http_digest_only: bool, no_events: bool,
    control_port: int,
) -> None:  # fmt: skip
    """Serve one camera on the loopback until interrupted."""
    login: dict[str, Any] = {"username": username}
    if password_file is not None:
        login["password"] = password_file.read_text().strip()
    served = OnvifCamera(name=name, port=port, http_digest_only=http_digest_only, events=not no_events, **login)
    serve([(served, served)], control_port, lambda: f"{name} speaks ONVIF at {served.address}")


@camera.command("motion")
@click.argument("name")
@over
@control_option
def motion(name: str, over: bool, control_port: int) -> None:
    """Something moves in front of the camera NAME."""
    do(name, "motion", {"on": not over}, control_port)


@camera.command("tamper")
@click.argument("name")
@over
@control_option
def tamper(name: str, over: bool, control_port: int) -> None:
    """Somebody covers or turns the camera NAME."""
    do(name, "tamper", {"on": not over}, control_port)


@camera.command("input")
@click.argument("name")
@click.argument("token", default="1")
@over
@control_option
def digital_input(name: str, token: str, over: bool, control_port: int) -> None:
    """The contact TOKEN at the camera NAME closes."""
    do(name, "digital_input", {"token": token, "on": not over}, control_port)


@camera.command("reboot")
@click.argument("name")
@control_option
def reboot(name: str, control_port: int) -> None:
    """Start the camera NAME anew: connections and subscriptions are gone."""
    do(name, "reboot", {}, control_port)


@camera.command("misbehave")
@click.argument("name")
@click.argument("how", type=click.Choice([how.value for how in Hostility]))
@click.option("--operation", default="", help="Only for this ONVIF operation; GET is the picture. All by default.")
@control_option
def misbehave(name: str, how: str, operation: str, control_port: int) -> None:
    """Let the camera NAME answer badly until `behave`."""
    do(name, "misbehave", {"how": how, "operation": operation}, control_port)


@camera.command("behave")
@click.argument("name")
@control_option
def behave(name: str, control_port: int) -> None:
    """Let the camera NAME be a good one again."""
    do(name, "behave", {}, control_port)
