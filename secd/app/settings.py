"""The sections that belong to no single room: what the site is called, and the key of the cards' hashes."""

from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from secd.config.types import Name, ScalarError, Seconds, SecretRef, Section, Settings, Text

_zones = cache(available_timezones)


def _existing_zone(name: str) -> str:
    if name not in _zones():
        raise ScalarError("a time zone of the IANA database, such as America/Chicago")
    return name


TimeZone = Annotated[str, AfterValidator(_existing_zone)]


class ClockSettings(Settings):
    """Whether the machine's clock is believed at start (S10)."""

    trusted: Literal["host", "timesyncd"] = "host"
    """host: at once. timesyncd: when systemd-timesyncd has synchronised it."""


class SiteSettings(Settings):
    """One building: one secd guards it."""

    name: Name
    """The building, as the last part of its MQTT topics."""
    instance: Name
    """Who runs it, as the first part of its MQTT topics."""
    label: Text
    time_zone: TimeZone
    """Schedules follow the wall clock of this zone."""
    mode: Literal["actual", "simulated", "test"]
    """Only an actual site can raise an actual alarm."""
    clock: ClockSettings = ClockSettings()
    retest_every: Annotated[Seconds, Field(ge=86_400.0)] = 365 * 86_400.0
    """How long a door or panic point counts as tried by hand: `secd commission`."""


SECTIONS = (
    Section(key="site", model=SiteSettings, many=False, required=True),
    Section(key="card_key", model=SecretRef, many=False, required=True),
)
