"""`secd replay`: judge the stored log again, and compare."""

import asyncio
import sys
from pathlib import Path

import click

from secd.cli.printing import print_json, visible

FINDINGS = 3


@click.command()
@click.argument("site", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--state", type=click.Path(path_type=Path), help="Where the store and the generations are kept.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def replay(site: Path, state: Path | None, as_json: bool) -> None:
    """Judge every stored step again under the policies of its time. Exit code 3 if anything would be decided differently.

    SITE is the directory of the site's files: its card key is needed.
    """
    from secd.app.places import find_places
    from secd.app.replaying import replay_log
    from secd.model.errors import SecdError

    try:
        replayed = asyncio.run(replay_log(find_places(site, state, None)))
    except SecdError as error:
        click.echo(f"secd: {error}", err=True)
        sys.exit(1)
    if as_json:
        differences = [
            {"event": step.event, "stored": list(step.stored), "replayed": list(step.replayed)}
            for step in replayed.differences
        ]
        print_json({"steps": replayed.steps, "findings": replayed.findings, "differences": differences})
    else:
        click.echo(
            f"{replayed.steps} steps with {replayed.findings} findings judged again, {len(replayed.differences)} differ"
        )
        for step in replayed.differences:
            click.echo(
                f"  {step.event}\n    stored   {visible(list(step.stored))}\n    replayed {visible(list(step.replayed))}"
            )
    if replayed.differences:
        sys.exit(FINDINGS)
