"""`secd-sim broker`: an MQTT 5 broker on the loopback, for whoever tries secd or a station without one."""

from pathlib import Path

import click

from simulators.broker import EmbeddedBroker
from simulators.command_line import control_option, serve

PORT = 17_883


@click.command()
@click.option("--name", default="broker", show_default=True, help="Its name at the control interface.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="Where it listens; 0: any free one."
)
@click.option("--user", "users", multiple=True, help="A login it lets in; everybody by default. May be given again.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the password of every --user.",
)
@control_option
def broker(name: str, port: int, users: tuple[str, ...], password_file: Path | None, control_port: int) -> None:
    """Serve a broker until interrupted. It keeps nothing on disk and has no access lists: not for a real site.

    \b
    While it runs:
      secd-sim do broker vanish
      secd-sim do broker come-back
    """
    if bool(users) != (password_file is not None):
        raise click.UsageError("logins are --user with --password-file")
    password = "" if password_file is None else password_file.read_text().strip()
    served = EmbeddedBroker(port, dict.fromkeys(users, password), name)
    serve([(served, served)], control_port, lambda: f"{name} speaks MQTT 5 at {served.address}")
