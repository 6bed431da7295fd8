"""`secd-sim panic`: serve a panic panel, and press its buttons."""

import click

from simulators.command_line import control_option, do, serve
from simulators.panic_panel.panel import PRESS_MS, PanicPanel


@click.group()
def panic() -> None:
    """Panic panels: serve one, press a button."""


@panic.command("serve")
@click.option("--name", default="panic-panel", show_default=True, help="Its name at the control interface.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where it speaks Modbus/TCP; any free one by default."
)
@control_option
def serve_one(name: str, port: int, control_port: int) -> None:
    """Serve one panel on the loopback until interrupted."""
    panel = PanicPanel(name=name, port=port)
    serve([(panel, panel)], control_port, lambda: f"{name} speaks Modbus at tcp://127.0.0.1:{panel.port}")


@panic.command("press")
@click.argument("name")
@click.argument("point", type=int)
@click.option("--ms", type=float, default=PRESS_MS, show_default=True, help="How long, and as long a pause between.")
@click.option("--times", type=int, default=1, show_default=True)
@control_option
def press(name: str, point: int, ms: float, times: int, control_port: int) -> None:
    """Press the button at input POINT of the panel NAME."""
    do(name, "press", {"point": point, "ms": ms, "times": times}, control_port)
