"""Every section of the site's YAML that the judge reads, for `app` to hand to the loader."""

from secd.config.types import Section
from secd.policies.access import settings as access
from secd.policies.alarms import settings as alarms
from secd.policies.doors import settings as doors

SECTIONS: tuple[Section, ...] = (*doors.SECTIONS, *access.SECTIONS, *alarms.SECTIONS)
