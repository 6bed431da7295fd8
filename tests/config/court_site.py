"""The small, whole, correct site of good_site, to edit in tests."""

from dataclasses import replace
from pathlib import Path

from secd.app.sections import site_sections
from secd.config.load import LoadedSite, load_site

GOOD = Path(__file__).parent / "good_site"
FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(GOOD.glob("*.yaml"))}
ALARMS, DOORS = FILES["alarms"], FILES["doors"]


def court(directory: Path, *edits: tuple[str, str], checked: bool = True) -> LoadedSite:
    """The site with texts replaced (each must be there); `checked=False` leaves out what the rooms would refuse."""
    directory.mkdir(exist_ok=True)
    files = dict(FILES)
    for old, new in edits:
        holding = [name for name, text in files.items() if old in text]
        assert len(holding) == 1, (old, holding)
        files[holding[0]] = files[holding[0]].replace(old, new)
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    sections = site_sections()
    return load_site(directory, sections if checked else [replace(section, check=None) for section in sections])
