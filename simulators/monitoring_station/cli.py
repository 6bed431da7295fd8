"""`secd-sim station`: serve a monitoring station whose lines you read, and be its operator."""

from pathlib import Path

import click

from simulators.command_line import ask, broker_option, control_option, do, login, login_options, named, serve, show
from simulators.monitoring_station.station import MonitoringStation

name_option = click.option(
    "--name", default="sheriff", show_default=True, help="The station, as secd's `stations` call it."
)


@click.group()
def station() -> None:
    """Monitoring stations: serve one, list its alarms, acknowledge."""


@station.command("serve")
@name_option
@broker_option
@click.option("--instance", default="county-a", show_default=True, help="`instance` of the site it watches.")
@click.option("--site", default="courthouse", show_default=True, help="`name` of the site it watches.")
@click.option("--no-receipts", is_flag=True, help="Send none, as a station whose screen nobody sees.")
@login_options
@control_option
def serve_one(
    *, name: str, broker: str, instance: str, site: str, no_receipts: bool, username: str | None,
    password_file: Path | None, control_port: int,
) -> None:  # fmt: skip
    """Watch a site and print every line an operator would see, until interrupted."""
    served = MonitoringStation(
        broker=broker, instance=instance, site=site, name=name, login=login(username, password_file), show=click.echo,
        send_receipts=not no_receipts,
    )  # fmt: skip
    serve([(served, served)], control_port, lambda: f"{name} watches {instance}/{site} at {broker}")


@station.command("alarms")
@name_option
@control_option
def alarms(name: str, control_port: int) -> None:
    """List what the station shows, most urgent first."""
    for alarm in named(ask("/state", None, control_port), name)["alarms"]:
        point = alarm.get("point_label") or alarm.get("point", "")
        show(
            f"{alarm['alarm_id']} P{alarm['priority']} {alarm['kind']} at {point}: {alarm['state']}, rev {alarm['rev']}"
        )


@station.command("ack")
@name_option
@click.argument("alarm", default="")
@click.option("--note", default="", help="What is being done.")
@click.option("--operator", default="operator", show_default=True)
@control_option
def acknowledge(*, name: str, alarm: str, note: str, operator: str, control_port: int) -> None:
    """Acknowledge ALARM as shown, the most urgent unacknowledged one by default; prints secd's reply."""
    do(name, "acknowledge", {"alarm_id": alarm, "note": note, "operator": operator}, control_port)


@station.command("vanish")
@name_option
@control_option
def vanish(name: str, control_port: int) -> None:
    """The station's power fails."""
    do(name, "vanish", {}, control_port)


@station.command("join")
@name_option
@control_option
def join(name: str, control_port: int) -> None:
    """The station comes back."""
    do(name, "join", {}, control_port)
