"""`secd-sim site`: the simulated courthouse without the daemon, for whoever starts `secd run` by hand.

In: a copy of the example site. Out: every device listening where its files say, until interrupted. It changes no file.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import yaml
from rich.console import Console

from simulators.command_line import USAGE, control_option, run_until_told
from simulators.demo.courthouse import Courthouse
from simulators.demo.site import DemoSite, read_site


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@control_option
def site(directory: Path, control_port: int) -> None:
    """Serve the devices, the broker and the station of the site in DIRECTORY: `config/`, or an edited copy of it.

    \b
    In other terminals:
      secd run config/ --state demo-run/state --runtime demo-run/runtime
      secd-sim actions
    """
    try:
        simulated = read_site(directory, control_port=control_port)
    except (ValueError, yaml.YAMLError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from error
    run_until_told(_served(simulated))


@asynccontextmanager
async def _served(simulated: DemoSite) -> AsyncIterator[str]:
    async with Courthouse(simulated, say=Console().print):
        yield (
            f"the devices of {simulated.directory} are simulated; control interface at http://127.0.0.1:{simulated.control_port}\n"
            f"guard it: secd run {simulated.directory} --state demo-run/state --runtime demo-run/runtime"
        )
