"""`python -m benchmarks NAME [NAME ...] [--full] [--json]`. Exit code 0 whether bars hold or not: a missed bar is reported."""

import sys
from importlib import import_module

import click

from benchmarks.report import Measured, as_json, draw

NAMES = ("start", "door_poll", "door_end_to_end", "panic")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES), required=True)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON object on the last line.")
@click.option("--full", is_flag=True, help="The long form; may take more than two minutes.")
def main(names: tuple[str, ...], json_wanted: bool, full: bool) -> None:
    """Measure NAMES."""
    results: dict[str, Measured] = {}
    for name in names:
        results[name] = import_module(f"benchmarks.{name}").measure(full=full)
    if json_wanted:
        click.echo(as_json(results))
    else:
        draw(results)


if __name__ == "__main__":
    sys.exit(main())
