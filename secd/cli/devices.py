"""`secd devices`: the links; `secd devices fit`: what the boards of a site cannot guarantee."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from secd.cli.client import get, json_option, socket_option
from secd.cli.printing import local_time, print_json, print_table

if TYPE_CHECKING:
    from secd.app.fitting import Fitting

FINDINGS, USAGE = 3, 2
COLUMNS = (
    ("DEVICE", "device"), ("FAMILY", "family"), ("LINK", "state"), ("SINCE", "since"), ("SEEN", "last_seen"),
    ("TRIES", "attempts"), ("LABEL", "label"), ("TROUBLE", "trouble"),
)  # fmt: skip
FIT_COLUMNS = (
    ("DEVICE", "device"), ("POINT", "point"), ("", "severity"), ("RULE", "rule"), ("IT DOES NOT", "what"), ("INSTEAD", "remedy"),
)  # fmt: skip


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
