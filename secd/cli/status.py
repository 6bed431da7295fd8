"""`secd status`: one screen that answers the first question."""

from pathlib import Path
from typing import Any

import click

from secd.cli.client import get, json_option, socket_option
from secd.cli.printing import local_time, print_json, visible


@click.command()
@json_option
@socket_option
def status(socket_path: Path, as_json: bool) -> None:
    """How are things: doors, devices, alarms, store, station, configuration."""
    answer = get(socket_path, "/v1/status")
    if as_json:
        print_json(answer)
        return
    click.echo(click.style(answer["line"], bold=True))
    for name, value in answer["rooms"].items():
        click.echo(f"  {name:<17}{visible(value)}")
    for trouble in answer["troubles"]:
        click.echo(click.style(f"  ! {visible(trouble)}", fg="red"))
    click.echo(
        f"  {'running since':<17}{local_time(answer['since'])}, version {answer['version']}, policy {_short(answer)}"
    )


def _short(answer: dict[str, Any]) -> str:
    return str(answer["policy"])[:12]
