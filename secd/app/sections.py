"""The table of everything a site's YAML may hold: each room brings the sections it owns."""

from secd.api import settings as api
from secd.app import settings as site
from secd.config.types import Section
from secd.delivery.mqtt import settings as mqtt
from secd.devices import section as devices
from secd.holders import settings as holders
from secd.policies import settings as policies


def site_sections() -> tuple[Section, ...]:
    """Every section, in the order people read a site; `config.load_site` and `secd check` use the same table."""
    return (*site.SECTIONS, *holders.SECTIONS, *policies.SECTIONS, *devices.SECTIONS, *mqtt.SECTIONS, *api.SECTIONS)
