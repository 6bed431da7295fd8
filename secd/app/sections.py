"""The table of everything a site's YAML may hold: each room brings the sections it owns.

What no room sees alone is checked here: that doors, panic points and fire zones are wired to points their devices have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from secd.api import settings as api
from secd.app import dead_man
from secd.app import settings as site
from secd.app.fitting import check_fit
from secd.app.wiring import build_wiring
from secd.config.modbus.load import SECTION as MODBUS_PROFILES
from secd.config.types import Finding, Section
from secd.delivery.mqtt import settings as mqtt
from secd.devices import section as devices
from secd.holders import settings as holders
from secd.policies import settings as policies


def site_sections() -> tuple[Section, ...]:
    """Every section, in the order people read a site; `config.load_site` and `secd check` use the same table."""
    placed = (_with_fit(_with_points(section)) for section in devices.SECTIONS)
    return (
        *site.SECTIONS,
        *holders.SECTIONS,
        *policies.SECTIONS,
        MODBUS_PROFILES,
        *placed,
        *dead_man.SECTIONS,
        *mqtt.SECTIONS,
        *api.SECTIONS,
    )


def unfitted_sections() -> tuple[Section, ...]:
    """The same without any check: the site as it is written, to ask what is wrong with its boards."""
    return tuple(replace(section, check=None) for section in site_sections())


def _with_points(section: Section) -> Section:
    """A section with its own check and, where the whole site is known, that of every point's wiring."""
    own = section.check

    def check(values: Mapping[str, Any]) -> Iterator[Finding]:
        if own is not None:
            yield from own(values)
        if all(point.input or point.button for point in values["panic_points"].values()):
            known = {key: values[key] for key in ("devices", "doors", "panic_points")}
            yield from devices.check_points(build_wiring({**known, "fire_zones": {}}), known["devices"])
            fire = {**known, "doors": {}, "panic_points": {}, "fire_zones": values["fire_zones"]}
            yield from devices.check_points(build_wiring(fire), known["devices"])
            nothing = {**known, "doors": {}, "panic_points": {}, "fire_zones": {}}
            supply = {**nothing, "cabinets": values["cabinets"], "dead_man": values["dead_man"]}
            yield from devices.check_points(build_wiring(supply), known["devices"])

    return replace(section, check=check)


def _with_fit(section: Section) -> Section:
    """A section with its own check and that of what its boards can guarantee."""
    own = section.check

    def check(values: Mapping[str, Any]) -> Iterator[Finding]:
        if own is not None:
            yield from own(values)
        yield from check_fit(values)

    return replace(section, check=check)
