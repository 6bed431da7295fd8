"""`secd schema`: JSON Schemas for editors, with the names of a site where one is given."""

import json
import sys
from pathlib import Path

import click

FINDINGS = 3


@click.command()
@click.option("--site", type=click.Path(exists=True, path_type=Path), help="Complete names from this site.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Directory to write into.")
def schema(site: Path | None, out: Path) -> None:
    """Write JSON Schemas that editors check and complete YAML with.

    \b
    site.json fits every file. Name it in the first line of a file:
      # yaml-language-server: $schema=../schema/site.json
    """
    from secd.app.sections import site_sections
    from secd.config.load import load_site
    from secd.config.render import render_problem
    from secd.config.schema import schema_files
    from secd.model.errors import ConfigError

    sections = site_sections()
    try:
        loaded = load_site(site, sections) if site is not None else None
    except ConfigError as error:
        click.echo("\n\n".join(render_problem(problem) for problem in error.problems), err=True)
        sys.exit(FINDINGS)
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = schema_files(sections, loaded)
        for name, content in files.items():
            (out / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    click.echo(f"{len(files)} schemas in {out}; `site.json` fits every file")
