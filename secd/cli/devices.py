"""`secd devices`: the links."""

from pathlib import Path

import click

from secd.cli.client import get, json_option, socket_option
from secd.cli.printing import local_time, print_json, print_table

COLUMNS = (
    ("DEVICE", "device"), ("FAMILY", "family"), ("LINK", "state"), ("SINCE", "since"), ("SEEN", "last_seen"),
    ("TRIES", "attempts"), ("LABEL", "label"), ("TROUBLE", "trouble"),
)  # fmt: skip


@click.command()
@json_option
@socket_option
def devices(socket_path: Path, as_json: bool) -> None:
    """Every device: its link, since when, last seen, and what is wrong."""
    answer = get(socket_path, "/v1/devices")
    if as_json:
        print_json(answer)
    else:
        rows = [
            {**device, "since": local_time(device["since"]), "last_seen": local_time(device["last_seen"])}
            for device in answer["devices"]
        ]
        print_table(COLUMNS, rows, empty="this site has no devices")
