"""What a camera's notification means, without I/O.

In: notifications as the client read them. Out: `CameraSaw` facts; None for topics that are nobody's business here, for
values that are no boolean, and for states already told. The topics are a table: to understand another, add a row.
(Topic names: ONVIF Imaging, Analytics, Device IO and Core Specifications.)
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from secd.model.facts import CameraSaw

TOKEN_CHARACTERS_MAX: Final = 64
SOURCES_MAX: Final = 64
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_SOURCE_NAMES: Final = ("InputToken", "Source", "VideoSourceToken", "VideoSourceConfigurationToken", "Token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message: its topic as written, its property operation ("" for none), its simple items, the camera's time of it."""

    topic: str
    operation: str = ""
    source: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A row of TOPICS: what it says, and the data item that says whether."""

    what: str
    items: tuple[str, ...]


def _rows(what: str, *paths: str, items: tuple[str, ...] = ("State",)) -> dict[str, Meaning]:
    return {path: Meaning(what=what, items=items) for path in paths}


_IMAGE_FAULTS: Final = ("GlobalSceneChange", "ImageTooDark", "ImageTooBright", "ImageTooBlurry")
_IMAGE_SERVICES: Final = ("ImagingService", "AnalyticsService", "RecordingService")
TOPICS: Final[dict[str, Meaning]] = {
    **_rows("motion", "RuleEngine/CellMotionDetector/Motion", items=("IsMotion", "State")),
    **_rows("motion", "RuleEngine/MotionRegionDetector/Motion", items=("State", "IsMotion")),
    **_rows("motion", "VideoSource/MotionAlarm"),
    **_rows("tamper", "RuleEngine/TamperDetector/Tamper", items=("IsTamper", "State")),
    **_rows("tamper", "VideoSource/SignalLoss"),
    **_rows("tamper", *(f"VideoSource/{fault}/{service}" for fault in _IMAGE_FAULTS for service in _IMAGE_SERVICES)),
    **_rows("digital_input", "Device/Trigger/DigitalInput", items=("LogicalState", "State")),
}


def path_of(topic: str) -> str:
    """A topic without namespace prefixes: `tns1:Device/Trigger/tns1:DigitalInput` is `Device/Trigger/DigitalInput`."""
    return "/".join(part.rpartition(":")[2] for part in topic.strip().split("/"))


def translate(notification: Notification) -> CameraSaw | None:
    """What it says, or None."""
    meaning = TOPICS.get(path_of(notification.topic))
    if meaning is None or notification.operation == "Deleted":
        return None
    data = dict(notification.data)
    value = next((data[item] for item in meaning.items if item in data), "")
    active = _FLAGS.get(value.strip().lower())
    if active is None:
        return None
    return CameraSaw(
        what=meaning.what,
        active=active,
        token=token_of(notification),
        initial=notification.operation == "Initialized",
    )


def token_of(notification: Notification) -> str:
    """The camera's name of the source: an input's or a video source's token, else the first item's, cut to one line."""
    source = dict(notification.source)
    named = next((source[name] for name in _SOURCE_NAMES if name in source), next(iter(source.values()), ""))
    return re.sub(r"[^ -~]", "?", named)[:TOKEN_CHARACTERS_MAX]


class StatesTold:
    """The last state told of each source, so that a camera that repeats itself is heard once. Holds `SOURCES_MAX`."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, tuple[tuple[str, str], ...]], bool] = {}

    def news(self, notification: Notification) -> CameraSaw | None:
        """What `notification` says, or None where it says nothing, or nothing new."""
        saw = translate(notification)
        if saw is None:
            return None
        source = (path_of(notification.topic), notification.source)
        if self._told.get(source) is saw.active:
            return None
        if source in self._told or len(self._told) < SOURCES_MAX:
            self._told[source] = saw.active
        return saw
