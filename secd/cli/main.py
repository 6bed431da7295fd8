"""`secd`: the group. Commands are imported when they are called, so that `secd status` answers at once.

Exit codes: 0 fine, 1 it failed, 2 usage, 3 findings, 4 unreachable, 5 refused, 78 no configuration to run.
"""

from importlib import import_module

import click

from secd import __version__

COMMANDS = {
    "run": ("secd.cli.run", "run", "Guard the site: the daemon itself."),
    "check": ("secd.cli.check", "check", "Read a site's files and say everything that is wrong with them."),
    "schema": ("secd.cli.schema", "schema", "Write JSON Schemas for editors."),
    "status": ("secd.cli.status", "status", "One screen of how things are."),
    "doors": ("secd.cli.doors", "doors", "List, release, lock, unlock, hold, shunt doors; lock down an area."),
    "overrides": ("secd.cli.overrides", "overrides", "List and end what operators set aside; hand a shift over."),
    "devices": ("secd.cli.devices", "devices", "List devices and their links."),
    "commission": ("secd.cli.commission", "commission", "Try doors and panic points by hand, and sign for them."),
    "events": ("secd.cli.events", "events", "Show and follow events."),
    "alarms": ("secd.cli.alarms", "alarms", "List and acknowledge alarms."),
    "reload": ("secd.cli.reload", "reload", "Make the files on disk the running configuration."),
    "clock": ("secd.cli.clock", "clock", "Believe the wall clock again after a jump."),
    "replay": ("secd.cli.replay", "replay", "Judge the stored log again and compare."),
}


class LateGroup(click.Group):
    """A group whose commands are imported only when one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order they are listed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one command that was called."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 -- the table above names commands only
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, from the table: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, _, says) in COMMANDS.items()])


@click.group(cls=LateGroup)
@click.version_option(__version__, prog_name="secd")
def main() -> None:
    """secd guards a building: doors, cameras and panic buttons, decided by policies you can read.

    \b
    Examples:
      secd check config/            find every mistake in a site's files
      secd run config/              guard the site
      secd status                   how are things?
      secd doors release east-entrance --reason "delivery, seen on camera"
      secd events --follow --kind access.denied
    """
