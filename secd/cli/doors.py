"""`secd doors`: list, release, lock, unlock, lock-down, end-lock-down."""

from datetime import datetime
from pathlib import Path

import click

from secd.cli.client import get, json_option, post, reason_option, segment, socket_option
from secd.cli.moments import Moment
from secd.cli.printing import local_time, print_json, print_table

COLUMNS = (
    ("DOOR", "door"), ("MODE", "mode"), ("BY", "layer"), ("CONTACT", "physical"), ("LOCK", "lock"),
    ("ACHIEVED", "achieved"), ("UNTIL", "until"), ("ALARMS", "alarms"), ("COMMISSIONED", "commissioned"), ("WHY", "why"),
)  # fmt: skip


until_option = click.option(
    "--until", type=Moment(), required=True, help="Every override has an end: 18:30, +2h, 2026-11-23 09:00."
)


@click.group()
def doors() -> None:
    """List, release, lock, unlock, hold and shunt doors; lock down an area. Every command takes a reason and is on record."""


@doors.command("list")
@json_option
@socket_option
def list_doors(socket_path: Path, as_json: bool) -> None:
    """Every door: its mode and which layer decides it, its contact, its lock, whether that was achieved."""
    answer = get(socket_path, "/v1/doors")
    if as_json:
        print_json(answer)
    else:
        rows = [
            {**door, "until": local_time(door["until"]), "alarms": len(door["alarms"]) or None}
            for door in answer["doors"]
        ]
        print_table(COLUMNS, rows, empty="this site has no doors")


@doors.command()
@click.argument("door")
@reason_option
@socket_option
def release(socket_path: Path, door: str, reason: str) -> None:
    """Let one passage through DOOR."""
    _done(post(socket_path, f"/v1/doors/{segment(door)}/release", {"reason": reason}), f"{door}: released")


@doors.command()
@click.argument("door")
@click.option("--until", type=Moment(), help="Hold it locked until then, against its schedule.")
@reason_option
@socket_option
def lock(socket_path: Path, door: str, reason: str, until: datetime | None) -> None:
    """End an unlock of DOOR; with --until, hold it locked."""
    body = {"reason": reason, "until": until.isoformat() if until else None}
    _done(post(socket_path, f"/v1/doors/{segment(door)}/lock", body), f"{door}: locked")


@doors.command()
@click.argument("door")
@click.option("--until", type=Moment(), required=True, help="Every unlock has an end: 18:30, +2h, 2026-11-23 09:00.")
@reason_option
@socket_option
def unlock(socket_path: Path, door: str, reason: str, until: datetime) -> None:
    """Unlock DOOR until a moment."""
    body = {"reason": reason, "until": until.isoformat()}
    _done(
        post(socket_path, f"/v1/doors/{segment(door)}/unlock", body), f"{door}: unlocked until {until:%Y-%m-%d %H:%M}"
    )


@doors.command()
@click.argument("door")
@until_option
@reason_option
@socket_option
def hold(socket_path: Path, door: str, reason: str, until: datetime) -> None:
    """Permit DOOR to stand open: no held-open alarm until then."""
    _until(socket_path, door, "hold", reason, until)


@doors.command()
@click.argument("door")
@until_option
@reason_option
@socket_option
def shunt(socket_path: Path, door: str, reason: str, until: datetime) -> None:
    """Shunt DOOR: no forced or held-open alarm until then. Its lock stays as it is."""
    _until(socket_path, door, "shunt", reason, until)


@doors.command("disable-reader")
@click.argument("door")
@until_option
@reason_option
@socket_option
def disable_reader(socket_path: Path, door: str, reason: str, until: datetime) -> None:
    """Disable the reader of DOOR: no card enters until then; leaving is free as ever."""
    _until(socket_path, door, "disable-reader", reason, until)


@doors.command("enable-reader")
@click.argument("door")
@reason_option
@socket_option
def enable_reader(socket_path: Path, door: str, reason: str) -> None:
    """Let the reader of DOOR serve again."""
    _done(post(socket_path, f"/v1/doors/{segment(door)}/enable-reader", {"reason": reason}), f"{door}: reader enabled")


def _until(socket_path: Path, door: str, verb: str, reason: str, until: datetime) -> None:
    body = {"reason": reason, "until": until.isoformat()}
    _done(post(socket_path, f"/v1/doors/{segment(door)}/{verb}", body), f"{door}: {verb}")


@doors.command("lock-down")
@click.argument("area")
@click.option("--level", default="lockdown", show_default=True, help="The threat level's name.")
@reason_option
@socket_option
def lock_down(socket_path: Path, area: str, level: str, reason: str) -> None:
    """Set the lockdown level in AREA. Responders in its `admit` groups still get in."""
    _done(post(socket_path, "/v1/levels/set", {"reason": reason, "level": level, "area": area}), f"{area}: {level} set")


@doors.command("end-lock-down")
@click.argument("area")
@click.option("--level", default="lockdown", show_default=True, help="The threat level's name.")
@reason_option
@socket_option
def end_lock_down(socket_path: Path, area: str, level: str, reason: str) -> None:
    """End the level in AREA: it takes two operators, each giving this command within ten minutes."""
    answer = post(socket_path, "/v1/levels/end", {"reason": reason, "level": level, "area": area})
    _done(answer, f"{area}: {level} ended")


@doors.command("restore-fire")
@click.argument("zone")
@reason_option
@socket_option
def restore_fire(socket_path: Path, zone: str, reason: str) -> None:
    """End the fire alarm in ZONE, once its panel has reset: every door follows its mode again."""
    _done(post(socket_path, f"/v1/fire/{segment(zone)}/restore", {"reason": reason}), f"{zone}: restored")


def _done(answer: dict[str, object], line: str) -> None:
    click.echo(str(answer.get("detail") or line))
