"""`secd run`: the daemon itself."""

import sys
from datetime import datetime
from pathlib import Path

import click

from secd.config.types import parse_local_moment

NO_CONFIGURATION = 78


class _SiteMoment(click.ParamType[datetime]):
    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """A moment in the site's zone; the daemon gives it its zone."""
        try:
            moment = parse_local_moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        assert isinstance(moment, datetime)  # noqa: S101 -- text gives a datetime or raises
        return moment


@click.command()
@click.argument("site", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--state", type=click.Path(path_type=Path), help="Where the store, evidence and generations are kept.")
@click.option("--runtime", type=click.Path(path_type=Path), help="Where the socket and the spool are.")
@click.option(
    "--simulated-time",
    type=_SiteMoment(),
    help="Start the wall clock at this local moment; only for a site whose mode is not actual.",
)
def run(site: Path, state: Path | None, runtime: Path | None, simulated_time: datetime | None) -> None:
    """Guard the site whose files are in the directory SITE."""
    import asyncio

    from secd.runtime.heap import defer_collections

    defer_collections()
    import uvloop

    from secd.app.daemon import DaemonOptions, run_daemon
    from secd.app.places import find_places
    from secd.config.render import render_problem
    from secd.model.errors import ConfigError, SecdError
    from secd.runtime.logs import configure_logs

    configure_logs()
    options = DaemonOptions(places=find_places(site, state, runtime), simulated_time=simulated_time)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_daemon(options))
    except ConfigError as error:
        for problem in error.problems:
            click.echo(render_problem(problem), err=True)
        click.echo(
            "secd: no configuration to run, and no earlier good one is kept: mend the files, then `secd check`",
            err=True,
        )
        sys.exit(NO_CONFIGURATION)
    except SecdError as error:
        click.echo(f"secd: {error}", err=True)
        sys.exit(1)
