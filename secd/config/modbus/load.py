"""Finds profiles: those that come with secd, and those a site writes under `modbus_profiles`, in the same words.

In: a name or a file. Out: a `Profile`, or ConfigError with file, line and column, by the loader every site goes through.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from secd.config.load import load_site
from secd.config.modbus.format import Profile
from secd.config.types import Finding, Section

FOLDER = Path(__file__).parent
SHIPPED = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
"""Names of the profiles that come with secd."""
KEY = "modbus_profiles"


def check_profiles(values: Mapping[str, Any]) -> list[Finding]:
    """A site's profile may not take the name of one that comes with secd: nobody could tell which is meant."""
    return [
        Finding(
            path=(KEY, name),
            message=f"{name} is a profile that comes with secd",
            expected="another name",
            code="profile_name_taken",
        )
        for name in values.get(KEY, {})
        if name in SHIPPED
    ]


SECTION = Section(key=KEY, model=Profile, check=check_profiles)
_UNCHECKED = Section(key=KEY, model=Profile)


def load_profiles(path: Path) -> Mapping[str, Profile]:
    """Every profile of one file; ConfigError with all that is wrong."""
    profiles: Mapping[str, Profile] = load_site(path, (_UNCHECKED,)).values[KEY]
    return profiles


@cache
def shipped_profile(name: str) -> Profile:
    """A profile that comes with secd, by name; KeyError when there is none."""
    if name not in SHIPPED:
        raise KeyError(name)
    return load_profiles(FOLDER / f"{name}.yaml")[name]


def find_profile(name: str, of_site: Mapping[str, Any]) -> Profile | None:
    """The profile a device names: the site's own, or one that comes with secd; None when there is none."""
    if name in SHIPPED:
        return shipped_profile(name)
    found = of_site.get(name)
    return found if isinstance(found, Profile) else None
