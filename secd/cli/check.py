"""`secd check`: everything that is wrong with a site's files, by the very call the daemon makes."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from secd.config.site import LoadedSite
    from secd.model.errors import Problem

FINDINGS = 3


@click.command()
@click.argument("site", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object: problems, errors, warnings, digest.")
def check(site: Path, as_json: bool) -> None:
    """Say everything that is wrong with SITE: a directory of YAML files, or one of them.

    \b
    Exit code 0: nothing is wrong (warnings may be). 3: there are mistakes.
    One file alone is judged by what it holds; a directory must be a whole site.
    """
    from secd.app.sections import site_sections
    from secd.config.load import load_site
    from secd.model.errors import ConfigError

    try:
        loaded = load_site(site, site_sections())
    except ConfigError as error:
        problems, digest = error.problems, ""
    else:
        problems, digest = (*loaded.warnings, *_secrets(loaded, site), *_tested(loaded)), loaded.digest
    errors = sum(1 for problem in problems if problem.severity == "error")
    if as_json:
        told = {"problems": [dataclasses.asdict(problem) for problem in problems], "errors": errors}
        click.echo(json.dumps({**told, "warnings": len(problems) - errors, "digest": digest}, ensure_ascii=False))
    else:
        _print(problems, errors)
    sys.exit(FINDINGS if errors else 0)


def _secrets(loaded: "LoadedSite", site: Path) -> "tuple[Problem, ...]":
    """Secrets that are not there are warnings: the machine that checks need not be the one that guards."""
    from secd.config.secrets import check_secrets

    settings = loaded.values.get("site")
    simulated = settings is None or settings.mode != "actual"
    return check_secrets(loaded, base=site if site.is_dir() else site.parent, environ=os.environ, simulated=simulated)


def _tested(loaded: "LoadedSite") -> "tuple[Problem, ...]":
    """Ways out of a real site that nobody tried within a year are warnings: doors do not change by being written about."""
    from secd.policies.doors.tested import check_tested
    from secd.runtime.clock import SystemClock

    settings = loaded.values.get("site")
    if settings is None or settings.mode != "actual":
        return ()
    today = SystemClock().now().utc.date()
    return tuple(loaded.problem(finding) for finding in check_tested(loaded.values["doors"], today))


def _print(problems: "tuple[Problem, ...]", errors: int) -> None:
    """In colour on a terminal, plain everywhere else."""
    from secd.config.render import render_problem

    blocks = [(problem.severity, render_problem(problem)) for problem in problems]
    count = _count(errors, len(problems) - errors)
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        click.echo("\n\n".join([*(block for _, block in blocks), count]), color=False)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for severity, block in blocks:
        head, _, rest = block.partition("\n")
        console.print(Text(head, style="bold yellow" if severity == "warning" else "bold red"))
        console.print(Text(rest + "\n"))
    console.print(Text(count, style="bold"))


def _count(errors: int, warnings: int) -> str:
    said = "nothing wrong" if not errors else f"{errors} mistake{'s' if errors > 1 else ''}"
    return said + (f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else "")
