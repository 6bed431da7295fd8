"""`secd-sim door`: serve a door controller, and be the person at its doors."""

import click

from secd.model.secret import CardNumber
from secd.wire.wiegand import encode_card
from simulators.command_line import control_option, do, serve
from simulators.door_controller.building import wire_doors
from simulators.door_controller.controller import DoorController


@click.group()
def door() -> None:
    """Door controllers: serve one, present a card, walk through."""


@door.command("serve")
@click.option("--name", default="door-controller", show_default=True, help="Its name at the control interface.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where it speaks Modbus/TCP; any free one by default."
)
@click.option(
    "--doors", type=click.IntRange(1, 4), default=2, show_default=True, help="How many doors are wired to it."
)
@control_option
def serve_one(name: str, port: int, doors: int, control_port: int) -> None:
    """Serve one controller on the loopback until interrupted."""
    controller = DoorController(name=name, doors=wire_doors(doors), port=port)
    serve(
        [(controller, controller)], control_port, lambda: f"{name} speaks Modbus at tcp://127.0.0.1:{controller.port}"
    )


@door.command("present-card")
@click.argument("name")
@click.argument("reader", type=int)
@click.option("--format", "card_format", default="H10301", show_default=True, help="Wiegand format.")
@click.option("--facility", type=int, help="Facility code, where the format has one.")
@click.option("--number", type=int, help="Card number.")
@click.option("--bits", help="The raw bits instead, as 0 and 1, first on the wire first.")
@control_option
def present_card(
    *,
    name: str,
    reader: int,
    card_format: str,
    facility: int | None,
    number: int | None,
    bits: str | None,
    control_port: int,
) -> None:
    """Hold a card to READER of the controller NAME."""
    if (bits is None) == (number is None):
        raise click.UsageError("a card is given by --number (with --format and --facility), or by --bits")
    if number is not None:
        try:
            card = encode_card(CardNumber(format=card_format, facility=facility, number=number))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        bits = f"{card.value:0{card.bit_count}b}"
    do(name, "present_card", {"reader": reader, "bits": bits}, control_port)


@door.command("walk-through")
@click.argument("name")
@click.argument("door_name", metavar="DOOR")
@click.option("--open-s", type=float, default=1.0, show_default=True, help="Seconds until the door closes behind.")
@control_option
def walk_through(name: str, door_name: str, open_s: float, control_port: int) -> None:
    """Push DOOR of the controller NAME; exit code 5 when it is locked."""
    do(name, "walk_through", {"door": door_name, "open_s": open_s}, control_port)


@door.command("leave")
@click.argument("name")
@click.argument("door_name", metavar="DOOR")
@control_option
def leave(name: str, door_name: str, control_port: int) -> None:
    """Open DOOR from inside by its lever."""
    do(name, "open_from_inside", {"door": door_name}, control_port)


@door.command("force")
@click.argument("name")
@click.argument("door_name", metavar="DOOR")
@control_option
def force(name: str, door_name: str, control_port: int) -> None:
    """Break DOOR open."""
    do(name, "force", {"door": door_name}, control_port)


@door.command("hold")
@click.argument("name")
@click.argument("door_name", metavar="DOOR")
@control_option
def hold(name: str, door_name: str, control_port: int) -> None:
    """Prop DOOR open; exit code 5 when it is closed and locked."""
    do(name, "hold", {"door": door_name}, control_port)


@door.command("close")
@click.argument("name")
@click.argument("door_name", metavar="DOOR")
@control_option
def close(name: str, door_name: str, control_port: int) -> None:
    """Close DOOR."""
    do(name, "close", {"door": door_name}, control_port)
