"""`secd events`: filter and follow the log."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from secd.cli.client import follow as follow_events
from secd.cli.client import get, json_option, socket_option
from secd.cli.moments import Moment
from secd.cli.printing import local_time, print_json, visible

FOR_PROGRAMS = frozenset(
    {"door", "policy", "keys", "sha256", "order", "grant", "alarm", "digest", "previous", "due_mono_s", "bit_count"}
)
"""Parts of a fact that only --json shows."""


@click.command()
@click.option("--kind", multiple=True, help="Event kind, e.g. access.denied; may be given again.")
@click.option("--subject", help="The door, point, camera, device or alarm it is about.")
@click.option("--area", help="Only of this area.")
@click.option("--since", type=Moment(), help="From this moment on.")
@click.option("--until", type=Moment(), help="Up to this moment.")
@click.option("--after", metavar="ID", help="Only events stored after this one.")
@click.option("--after-seq", type=int, help="Only events numbered after this one; for roles that see_silent.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, newest last.")
@click.option("--follow", "-f", "following", is_flag=True, help="Then go on with events as they are stored.")
@json_option
@socket_option
def events(socket_path: Path, following: bool, as_json: bool, limit: int, **given: Any) -> None:
    """Events, oldest first; --json gives one object a line."""
    query = _query(given) | {"limit": str(limit)}
    shown = get(socket_path, "/v1/events", query)["events"]
    for event in shown:
        _show(event, as_json)
    if following:
        query.pop("after_seq", None)
        query |= {"after": shown[-1]["id"]} if shown else {}
        try:
            for event in follow_events(socket_path, "/v1/events/follow", query):
                _show(event, as_json)
        except KeyboardInterrupt:
            return


def _worth_saying(key: str, value: Any) -> bool:
    return key not in FOR_PROGRAMS and value not in ("", None, [], 0, False, {})


def _query(given: dict[str, Any]) -> dict[str, str]:
    query = {}
    for name, value in given.items():
        if isinstance(value, datetime):
            query[name] = value.isoformat()
        elif isinstance(value, tuple):
            if value:
                query[name] = ",".join(value)
        elif value is not None:
            query[name] = str(value)
    return query


def _show(event: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    says = " ".join(f"{key}={visible(value)}" for key, value in event["fact"].items() if _worth_saying(key, value))
    author = f" by {event['author']}" if event.get("author") else ""
    head = f"{event.get('seq', ''):>7}  {local_time(event['occurred'])}  {event['kind']:<26}"
    click.echo(f"{head} {visible(event['subject']):<20} {says}{author}")
