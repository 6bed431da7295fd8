"""`secd clock`: an operator's word that the wall clock is right again."""

from pathlib import Path

import click

from secd.cli.client import post, reason_option, socket_option


@click.group()
def clock() -> None:
    """Believe the wall clock again after a jump."""


@clock.command()
@reason_option
@socket_option
def accept(socket_path: Path, reason: str) -> None:
    """Accept the wall clock as it is now: waiting unlocks by schedule take place from here on."""
    click.echo(
        post(socket_path, "/v1/clock/accept", {"reason": reason})["detail"] or "the wall clock is believed again"
    )
