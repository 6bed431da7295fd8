"""`secd reload`: make the files on disk the running configuration, all or nothing."""

from pathlib import Path

import click

from secd.cli.client import post, reason_option, socket_option


@click.command()
@click.option(
    "--approve", default="", metavar="DIGEST", help="Approve a dangerous edit that another operator asked for."
)
@reason_option
@socket_option
def reload(socket_path: Path, approve: str, reason: str) -> None:
    """Reload the site's files. Nothing changes if anything in them is wrong; dangerous edits need a second operator."""
    click.echo(post(socket_path, "/v1/reload", {"reason": reason, "approve": approve})["detail"])
