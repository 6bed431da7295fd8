"""`secd-sim demo`: start everything, tell the story, end everything.

In: `--once` or a reading pace. Out: what happened, the station's own lines, and with `--once` a table and exit code 0 only
if every step was seen in the store, at the devices and at the station.
"""

import asyncio
import shutil
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from simulators.demo.courthouse import Courthouse
from simulators.demo.daemon import MONDAY_MORNING, DaemonFailed, DaemonProcess, seconds_to
from simulators.demo.site import DemoSite, copy_site
from simulators.demo.story import STEPS, Story, Told
from simulators.demo.witness import Witness

READING_PACE_S = 4.0
TABLE_WIDTH = 150
COURTHOUSE_CONFIG = Path(__file__).resolve().parents[2] / "config"


@click.command()
@click.option("--once", is_flag=True, help="Play the story at once and print a table.")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path("demo-run"), show_default=True,
    help="Where this run's copy of the site, its store and its log are kept; replaced each time.",
)  # fmt: skip
def demo(once: bool, directory: Path) -> None:
    """A guarded courthouse on this machine: simulated devices, the real daemon, and a story."""
    console = Console()
    if once and not console.is_terminal:
        console = Console(width=TABLE_WIDTH)
    try:
        told = asyncio.run(tell_story(directory.absolute(), console, once=once))
    except DaemonFailed as error:
        raise click.ClickException(str(error)) from error
    if not all(step.held for step in told):
        raise SystemExit(1)


async def tell_story(directory: Path, console: Console, *, once: bool) -> list[Told]:
    """Play every step; returns what became of each."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    site = copy_site(COURTHOUSE_CONFIG, directory / "site")
    ahead_s = seconds_to(MONDAY_MORNING)
    daemon = DaemonProcess(directory, site.directory, ahead_s=ahead_s)
    witness = Witness(daemon)
    async with Courthouse(site, ahead_s=ahead_s, say=None if once else console.print) as house:
        try:
            await daemon.start()
            console.print(f"secd guards the courthouse; ask it: export SECD_SOCKET={daemon.socket}")
            follow = asyncio.create_task(witness.follow())
            await witness.all_devices_up()
            told = await play_story(house, daemon, witness, site, console, once=once)
        finally:
            await witness.close()
            code = await daemon.stop()
        await follow
    if once:
        console.print(_table(told))
    console.print(f"secd ended with {code}; its log: {daemon.log}")
    return told


async def play_story(
    house: Courthouse, daemon: DaemonProcess, witness: Witness, site: DemoSite, console: Console, *, once: bool
) -> list[Told]:
    """Play every step on a site that is guarded already."""
    story = Story(house, daemon, witness, site)
    told: list[Told] = []
    for number, step in enumerate(STEPS, 1):
        if not once:
            console.print(f"\n[bold]{number:>2}. {step.name}[/bold]: {step.expected}")
        told.append(await story.play(step))
        if not once:
            _say(console, told[-1])
            await asyncio.sleep(READING_PACE_S)
    return told


def _say(console: Console, told: Told) -> None:
    mark = "[green]seen[/green]" if told.held else "[red]NOT SEEN[/red]"
    console.print(f"    {mark}: {told.seen} ({told.took_ms:.0f} ms)")


def _table(told: list[Told]) -> Table:
    table = Table(
        "", "step", "expected", "seen", "ms", title="The story, as seen in the store, at the devices and at the station"
    )
    for number, step in enumerate(told, 1):
        seen = step.seen if step.held else f"NOT SEEN: {step.seen}"
        table.add_row(
            str(number), step.step, step.expected, seen, f"{step.took_ms:.0f}", style="" if step.held else "red"
        )
    return table
