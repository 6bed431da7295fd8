"""`secd devices`: the links; `fit`: what boards cannot guarantee; `watch`: points as they move; `add`: what is at an address."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from secd.cli.client import follow, get, json_option, segment, socket_option
from secd.cli.printing import local_time, print_json, print_table, visible

if TYPE_CHECKING:
    from secd.app.fitting import Fitting
    from secd.app.probing import Probed

FINDINGS, USAGE = 3, 2
COLUMNS = (
    ("DEVICE", "device"), ("FAMILY", "family"), ("LINK", "state"), ("SINCE", "since"), ("SEEN", "last_seen"),
    ("TRIES", "attempts"), ("LABEL", "label"), ("TROUBLE", "trouble"),
)  # fmt: skip
FIT_COLUMNS = (
    ("DEVICE", "device"), ("POINT", "point"), ("", "severity"), ("RULE", "rule"), ("IT DOES NOT", "what"), ("INSTEAD", "remedy"),
)  # fmt: skip


POINT_COLUMNS = (
    ("POINT", "point"),
    ("NOW", "raw"),
    ("SINCE", "since"),
    ("CHANGES", "changes"),
    ("PLACED AS", "placed"),
)


@click.group(invoke_without_command=True)
@json_option
@socket_option
@click.pass_context
def devices(context: click.Context, socket_path: Path, *, as_json: bool) -> None:
    """Every device: its link, since when, last seen, and what is wrong."""
    if context.invoked_subcommand is not None:
        return
    answer = get(socket_path, "/v1/devices")
    if as_json:
        print_json(answer)
    else:
        rows = [
            {**device, "since": local_time(device["since"]), "last_seen": local_time(device["last_seen"])}
            for device in answer["devices"]
        ]
        print_table(COLUMNS, rows, empty="this site has no devices")


@devices.command()
@click.argument("device", required=False)
@click.option(
    "--site",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("/etc/secd"),
    show_default=True,
    help="The site's directory of YAML files; the daemon need not run.",
)
@json_option
def fit(device: str | None, site: Path, *, as_json: bool) -> None:
    """What DEVICE, or every Modbus device, cannot guarantee in the use that the site puts it to.

    \b
    Exit code 0: nothing that safety forbids (warnings may be). 3: `secd check` refuses it. 1: the site cannot be read.
    """
    found = [one for one in _fittings(site) if device is None or one.device == device]
    if device is not None and not found:
        click.echo(f"{device} is no Modbus device of this site, or its profile is not known", err=True)
        sys.exit(USAGE)
    rows: list[dict[str, Any]] = [
        {"device": one.device, "profile": one.profile, **dataclasses.asdict(short)}
        for one in found
        for short in one.shortfalls
    ]
    if as_json:
        print_json({"devices": {one.device: one.profile for one in found}, "shortfalls": rows})
    else:
        print_table(FIT_COLUMNS, rows, empty="every board does what is asked of it")
    sys.exit(FINDINGS if any(row["severity"] == "error" for row in rows) else 0)


def _fittings(site: Path) -> "tuple[Fitting, ...]":
    """Of the site as it is written, mistakes of fit included: those are what is asked for."""
    from secd.app.fitting import fittings
    from secd.app.sections import unfitted_sections
    from secd.config.load import load_site
    from secd.config.render import render_problem
    from secd.model.errors import ConfigError

    try:
        return fittings(load_site(site, unfitted_sections()).values)
    except ConfigError as error:
        click.echo("\n\n".join(render_problem(problem) for problem in error.problems[:5]), err=True)
        click.echo("the site has mistakes: run `secd check`", err=True)
        sys.exit(1)


@devices.command()
@click.argument("device")
@json_option
@socket_option
def watch(device: str, socket_path: Path, *, as_json: bool) -> None:
    """Every point of DEVICE as it moves, until Ctrl-C; also those that nothing in the site names."""
    try:
        for number, told in enumerate(follow(socket_path, f"/v1/devices/{segment(device)}/points/follow")):
            if as_json:
                print_json(told)
            elif number == 0:
                print_table(POINT_COLUMNS, map(_shown, told["points"]), empty="nothing was heard of its points yet")
            else:
                for point in map(_shown, told["points"]):
                    click.echo(f"{point['since']}  {point['point']}  {visible(point['raw'])}  {point['placed']}")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def _shown(point: dict[str, Any]) -> dict[str, Any]:
    return {
        **point,
        "since": local_time(point["since"]),
        "placed": visible(point["placed"]) if point["placed"] else "nothing",
    }


@devices.command()
@click.option(
    "--probe", "address", metavar="ADDRESS", required=True, help="tcp://HOST[:PORT][/UNIT], or serial:///dev/NAME."
)
@click.option("--unit", type=click.IntRange(1, 247), help="Its Modbus unit; 1 unless said.")
@click.option("--name", default="new-board", show_default=True, help="What the site calls it.")
@click.option("--profile", help="Which of several that fit; read the type plate.")
@click.option(
    "--write",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Add it to this file of the site.",
)
@click.option("--no-daemon", is_flag=True, help="No secd runs here: do not ask it which addresses it uses.")
@json_option
@socket_option
def add(
    address: str, unit: int | None, socket_path: Path, *, name: str, profile: str | None, file: Path | None,
    no_daemon: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find out what answers at an address, only by reading, and print the YAML that makes it a device.

    \b
    Exit code 0: a board was recognised. 1: none was, or the site would have mistakes. 5: the running site uses this address.
    """
    import asyncio

    from secd.app.probing import place_of, probe_address, read_address, yaml_of

    try:
        address, unit = read_address(address, unit)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not no_daemon and socket_path.exists():
        _refuse_twice(get(socket_path, "/v1/devices")["devices"], *place_of(address, unit))
    found = asyncio.run(probe_address(address, unit))
    chosen = [one.profile for one in found.candidates if profile in {None, one.profile}]
    lines = [yaml_of(name, one, address, unit) for one in chosen]
    if as_json:
        print_json({**dataclasses.asdict(found), "yaml": lines})
    else:
        _tell_probed(found, lines)
    if not lines:
        sys.exit(1)
    if file is not None:
        _write(file, lines)


def _refuse_twice(running: list[dict[str, Any]], line: str, place: str) -> None:
    for device in running:
        if place == device["place"] or (line == place and device["place"].startswith(f"{line}/")):
            told = f"the running site uses it for {device['device']}: a board has one master; watch it by `secd devices watch`"
            click.echo(f"secd: {place}: {told}", err=True)
            sys.exit(5)


def _tell_probed(found: "Probed", lines: list[str]) -> None:
    if found.trouble:
        click.echo(visible(found.trouble), err=True)
        return
    for candidate in found.candidates:
        click.echo(f"{candidate.profile}: {visible(candidate.says)}")
        click.echo(f"  now: {visible(', '.join(candidate.inputs))}")
    if len(lines) != 1:
        click.echo("several profiles fit, or none of that name: say which by --profile")
    click.echo("devices:")
    for line in lines:
        click.echo(f"  {line}")


def _write(file: Path, lines: list[str]) -> None:
    from secd.app.probing import write_device
    from secd.config.render import render_problem
    from secd.model.errors import ConfigError

    if len(lines) != 1:
        click.echo("secd: nothing is written: say which profile it is by --profile", err=True)
        sys.exit(1)
    try:
        write_device(file, lines[0])
    except ConfigError as error:
        click.echo("\n\n".join(render_problem(problem) for problem in error.problems[:5]), err=True)
        click.echo(f"secd: the site would have mistakes: {file} is as it was", err=True)
        sys.exit(1)
    except (ValueError, OSError) as error:
        click.echo(f"secd: {error}", err=True)
        sys.exit(1)
    click.echo(f"added to {file}; then: secd reload --reason ...")
