"""`secd-sim demo`: start everything, tell the story, end everything.

In: `--once` or a reading pace. Out: what happened, the station's own lines, and with `--once` a table; exit code 0 only if
every step was seen in the store, at the devices and at the station, 130 after Ctrl-C.
"""

import asyncio
import shutil
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simulators.demo.courthouse import Courthouse
from simulators.demo.daemon import MONDAY_MORNING, DaemonFailed, DaemonProcess, program, seconds_to
from simulators.demo.site import DemoSite, copy_site
from simulators.demo.story import STEPS, Story, Told
from simulators.demo.witness import Witness

READING_PACE_S = 4.0
TABLE_WIDTH = 150
INTERRUPTED = 130
COURTHOUSE_CONFIG = Path(__file__).resolve().parents[2] / "config"


@click.command()
@click.option("--once", is_flag=True, help="Play the story at once and print a table.")
@click.option("--stay", is_flag=True, help="Go on guarding after the story, until Ctrl-C.")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path("demo-run"), show_default=True,
    help="Where this run's copy of the site, its store and its log are kept; replaced each time.",
)  # fmt: skip
def demo(once: bool, stay: bool, directory: Path) -> None:
    """A guarded courthouse on this machine: simulated devices, the real daemon, and a story."""
    console = Console(highlight=False)
    if once and not console.is_terminal:
        console = Console(highlight=False, width=TABLE_WIDTH)
    try:
        told = asyncio.run(tell_story(directory.absolute(), console, once=once, stay=stay))
    except DaemonFailed as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"the courthouse cannot listen: {error.strerror or error}; does a demo run already?"
        ) from error
    except KeyboardInterrupt:
        console.print("\nstopped; nothing is left running")
        raise SystemExit(INTERRUPTED) from None
    if not all(step.held for step in told):
        raise SystemExit(1)


async def tell_story(directory: Path, console: Console, *, once: bool, stay: bool = False) -> list[Told]:
    """Play every step; returns what became of each. With `stay` only cancellation ends it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    site = copy_site(COURTHOUSE_CONFIG, directory / "site")
    ahead_s = seconds_to(MONDAY_MORNING)
    daemon = DaemonProcess(directory, site.directory, ahead_s=ahead_s)
    witness = Witness(daemon)
    async with Courthouse(site, ahead_s=ahead_s, say=None if once else partial(_print, console)) as house:
        try:
            await daemon.start()
            _print(console, _invitation(daemon))
            follow = asyncio.create_task(witness.follow())
            await witness.all_devices_up()
            told = await play_story(house, daemon, witness, site, console, once=once)
            if stay:
                _print(console, "\nthe story is told; secd goes on guarding until Ctrl-C")
                await asyncio.Event().wait()
        finally:
            await witness.close()
            code = await daemon.stop()
        await follow
    if once:
        console.print(_table(told))
    _print(console, f"\nsecd ended with {code}; its log: {daemon.log}")
    return told


async def play_story(
    house: Courthouse, daemon: DaemonProcess, witness: Witness, site: DemoSite, console: Console, *, once: bool
) -> list[Told]:
    """Play every step on a site that is guarded already."""
    story = Story(house, daemon, witness, site)
    told: list[Told] = []
    for number, step in enumerate(STEPS, 1):
        if not once:
            _print(console, f"\n[bold]{number:>2}. {step.name}[/bold]: {step.expected}")
        told.append(await story.play(step))
        if not once:
            _say(console, told[-1])
            await asyncio.sleep(READING_PACE_S)
    return told


def _say(console: Console, told: Told) -> None:
    mark = "[green]seen[/green]" if told.held else "[red]NOT SEEN[/red]"
    what, *where = escape(told.seen).splitlines()
    _print(console, f"    {mark} {what} [dim]({told.took_ms:.0f} ms)[/dim]")
    for line in where:
        _print(console, f"         [dim]{line}[/dim]")


def _invitation(daemon: DaemonProcess) -> str:
    """What somebody who watches may try."""
    commands = program("secd").parent
    return (
        f"secd guards the courthouse. From another terminal:\n  export SECD_SOCKET={daemon.socket} PATH={commands}:$PATH\n"
        "  secd status; secd doors list; secd events --follow\n"
        "  secd-sim actions; secd-sim do secure-cable cut; secd-sim do secure-cable restore"
    )


def _print(console: Console, line: str) -> None:
    """One line as it is: a path that is broken at the terminal's edge cannot be copied."""
    console.print(line, soft_wrap=True)


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
