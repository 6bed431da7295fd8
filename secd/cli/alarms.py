"""`secd alarms`: list and acknowledge."""

from pathlib import Path

import click

from secd.cli.client import get, json_option, post, segment, socket_option
from secd.cli.printing import local_time, print_json, print_table

COLUMNS = (
    ("ALARM", "id"), ("REV", "rev"), ("P", "priority"), ("KIND", "kind"), ("POINT", "point"), ("STATE", "condition"),
    ("ACK", "ack"),    ("TIMES", "occurrences"), ("SINCE", "since"), ("RECEIVED BY", "received_by"),
)  # fmt: skip


@click.group()
def alarms() -> None:
    """List and acknowledge alarms."""


@alarms.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@json_option
@socket_option
def list_alarms(socket_path: Path, as_json: bool, everything: bool) -> None:
    """Open alarms, most urgent first."""
    answer = get(socket_path, "/v1/alarms", {"all": "true"} if everything else None)
    if as_json:
        print_json(answer)
        return
    rows = [{**alarm, "since": local_time(alarm["occurred"])} for alarm in answer["alarms"]]
    print_table(COLUMNS, rows, empty="no open alarms")


@alarms.command()
@click.argument("alarm")
@click.option("--rev", type=int, help="The revision you saw; without it, the newest one is looked up now.")
@click.option("--note", default="", help="What you found or will do.")
@socket_option
def ack(socket_path: Path, alarm: str, rev: int | None, note: str) -> None:
    """Take ALARM: you own it from now on."""
    _act(socket_path, alarm, rev, note, "acknowledge")


@alarms.command()
@click.argument("alarm")
@click.option("--rev", type=int, help="The revision you saw; without it, the newest one is looked up now.")
@click.option("--note", default="", help="How it ended.")
@socket_option
def close(socket_path: Path, alarm: str, rev: int | None, note: str) -> None:
    """Close ALARM, acknowledged and cleared."""
    _act(socket_path, alarm, rev, note, "close")


def _act(socket_path: Path, alarm: str, rev: int | None, note: str, verb: str) -> None:
    if rev is None:
        found = [row for row in get(socket_path, "/v1/alarms")["alarms"] if row["id"] == alarm]
        rev = found[0]["rev"] if found else 0
    answer = post(socket_path, f"/v1/alarms/{segment(alarm)}/{verb}", {"rev": rev, "note": note})
    click.echo(answer["detail"] or f"{alarm}: {verb}d")
