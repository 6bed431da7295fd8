"""Finding out what is at an address, for somebody who adds a device: what answers, and the YAML that names it.

In: an address, and the site it is for. Out: what `drivers.modbus_io.probe` found, lines to paste, or the same lines in the
site's files, once they are free of mistakes. Refuses an edit that makes one: then the files are as they were.
"""

import shutil
import tempfile
from pathlib import Path

from secd.app.sections import site_sections
from secd.config.load import load_site
from secd.config.modbus.load import SHIPPED, shipped_profile
from secd.drivers.modbus_io.line import TcpPlace, parse_line
from secd.drivers.modbus_io.probe import Probed, probe
from secd.model.time import Instant
from secd.runtime.clock import SystemClock

__all__ = ["Probed", "place_of", "probe_address", "read_address", "write_device", "yaml_of"]


def read_address(text: str, unit: int | None) -> tuple[str, int]:
    """`tcp://HOST[:PORT][/UNIT]` or a serial line, as address and unit; ValueError says how to write it."""
    address = text
    if text.startswith("tcp://") and text.count("/") == 3:
        address, _, last = text.rpartition("/")
        if not last.isdecimal() or (unit is not None and unit != int(last)):
            raise ValueError("a unit behind the address is a number, and written once")
        unit = int(last)
    parse_line(address)
    if unit is not None and not 1 <= unit <= 247:
        raise ValueError("a unit is a number from 1 to 247")
    return address, unit or 1


def place_of(address: str, unit: int) -> tuple[str, str]:
    """The line, and the place on it, as `/v1/devices` spells them; a serial line belongs to one master."""
    line = parse_line(address)
    return str(line), f"{line}/{unit}" if isinstance(line, TcpPlace) else str(line)


async def probe_address(address: str, unit: int) -> Probed:
    """Try every profile that comes with secd; only reads."""
    now: Instant = SystemClock().now()
    return await probe(address, unit, {name: shipped_profile(name) for name in SHIPPED}, now)


def yaml_of(name: str, profile: str, address: str, unit: int) -> str:
    """One device of the section `devices`."""
    of_unit = "" if unit == 1 else f", unit: {unit}"
    return f"{name}: {{driver: modbus_io, profile: {profile}, address: {address}{of_unit}}}"


def write_device(file: Path, line: str) -> None:
    """Add a device to the `devices` of a site's file; raises ConfigError, and ValueError for a file without that section."""
    text = file.read_text()
    lines = text.splitlines()
    if "devices:" not in (one.rstrip() for one in lines):
        raise ValueError(f"{file} has no line `devices:` to add it under")
    at = [one.rstrip() for one in lines].index("devices:")
    below = next((one for one in lines[at + 1 :] if one.strip() and not one.lstrip().startswith("#")), "  ")
    indent = below[: len(below) - len(below.lstrip())] or "  "
    edited = "\n".join([*lines[: at + 1], f"{indent}{line}", *lines[at + 1 :]]) + "\n"
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "site"
        shutil.copytree(file.parent, copy, ignore=shutil.ignore_patterns("secrets"))
        (copy / file.name).write_text(edited)
        load_site(copy, site_sections())
    written = file.with_name(f".{file.name}.new")
    written.write_text(edited)
    shutil.copymode(file, written)
    written.replace(file)
