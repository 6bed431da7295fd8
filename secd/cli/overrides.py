"""`secd overrides`: what stands until somebody or its end takes it away; end one, take a panic point out, hand over."""

from datetime import datetime
from pathlib import Path

import click

from secd.cli.client import get, json_option, post, reason_option, segment, socket_option
from secd.cli.moments import Moment
from secd.cli.printing import local_time, print_json, print_table, visible

COLUMNS = (
    ("OVERRIDE", "key"), ("UNTIL", "until"), ("BY", "by"), ("SINCE", "since"), ("IN EFFECT", "in_effect"),
    ("WORK ORDER", "work_order"), ("WHY", "reason"),
)  # fmt: skip
NOTHING = "nothing is overridden"


@click.group(invoke_without_command=True)
@click.option(
    "--hand-over", is_flag=True, help="Print everything that stands and put on record that it was handed over."
)
@click.option("--to", default="", help="With --hand-over: who takes over.")
@click.option("--reason", default="", help="With --hand-over: why; it is kept in the log with your name.")
@json_option
@socket_option
@click.pass_context
def overrides(
    context: click.Context, *, socket_path: Path, as_json: bool, hand_over: bool, to: str, reason: str
) -> None:
    """List what operators set aside: who, why, and when it ends. Every override ends."""
    if context.invoked_subcommand is not None:
        return
    if hand_over and not reason:
        raise click.UsageError("--hand-over needs --reason, such as --reason 'end of the night shift'")
    standing = get(socket_path, "/v1/overrides")
    if hand_over:
        told = post(socket_path, "/v1/overrides/hand-over", {"reason": reason, "to": to})
        standing = {**standing, "detail": told["detail"]}
    if as_json:
        print_json(standing)
        return
    rows = [
        {
            **one,
            "until": local_time(one["until"]) if one["until"] else "until ended",
            "since": local_time(one["since"]),
            "by": " and ".join(name for name in (one["author"], one["second"]) if name),
            "in_effect": "yes" if one["in_effect"] else "no: lockdown",
        }
        for one in standing["overrides"]
    ]
    print_table(COLUMNS, rows, empty=NOTHING)
    if hand_over:
        click.echo(visible(standing["detail"]))


@overrides.command()
@click.argument("override")
@reason_option
@socket_option
def end(socket_path: Path, override: str, reason: str) -> None:
    """End OVERRIDE before its end, by its name in the list: shunt/east-entrance."""
    click.echo(visible(post(socket_path, "/v1/overrides/end", {"reason": reason, "override": override})["detail"]))


@overrides.command("out-of-service")
@click.argument("point")
@click.option("--until", type=Moment(), required=True, help="When it is in service again by itself: +2h, 17:00.")
@click.option("--work-order", required=True, help="The work order's number.")
@reason_option
@socket_option
def out_of_service(socket_path: Path, point: str, until: datetime, work_order: str, reason: str) -> None:
    """Take panic point POINT out of service: two operators each give this command within ten minutes."""
    body = {"reason": reason, "until": until.isoformat(), "work_order": work_order}
    click.echo(visible(post(socket_path, f"/v1/points/{segment(point)}/out-of-service", body)["detail"]))
