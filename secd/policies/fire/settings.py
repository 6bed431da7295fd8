"""What an administrator writes about fire zones: where the panel's relay is wired, and which areas it speaks for.

In: validated YAML. Out: `FireZoneSettings`. What must not be fitted is refused in `checks.py`.
"""

from typing import Annotated

from pydantic import Field

from secd.config.types import DevicePoint, Settings, Text, Whole
from secd.policies.access.settings import AreaName
from secd.policies.supervision import Supervision


class FireZoneSettings(Settings):
    """One output of the fire panel. secd follows the fire alarm; it is none, and releases no lock by itself (S16)."""

    input: DevicePoint
    fire_is: Annotated[Whole, Field(ge=0, le=1)]
    """What the input reads while the panel is in alarm."""
    supervised: Supervision
    areas: Annotated[list[AreaName], Field(min_length=1)]
    """With the areas inside them."""
    label: Text | None = None
