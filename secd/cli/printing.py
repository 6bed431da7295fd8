"""Tables and lines for people; plain text where the output is not a terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click


def print_json(value: Any) -> None:
    """One JSON object."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[tuple[str, str]], rows: Iterable[Mapping[str, Any]], *, empty: str) -> None:
    """Aligned columns: (heading, key). Control characters from devices are made visible."""
    table = [[heading for heading, _ in columns]]
    table += [[visible(row.get(key)) for _, key in columns] for row in rows]
    if len(table) == 1:
        click.echo(empty)
        return
    widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
    for number, line in enumerate(table):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def visible(value: Any) -> str:
    """A cell: lists joined, None as a dash, control characters as their escapes."""
    if value is None or value == "":
        return "-"
    if isinstance(value, list):
        return ", ".join(visible(part) for part in value)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(value))


def local_time(text: str | None, *, seconds: bool = True) -> str:
    """An ISO moment in this machine's zone."""
    if not text:
        return "-"
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%H:%M")
