"""`secd devices`: the links."""

from pathlib import Path

import click

from secd.cli.client import get, json_option, socket_option
from secd.cli.printing import print_json, print_table

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
        print_table(COLUMNS, answer["devices"], empty="this site has no devices")
