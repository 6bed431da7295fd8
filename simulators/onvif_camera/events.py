"""What the camera notices, and the pull points that wait to hear of it.

In: a property's new state. Out: notification messages in order, first the present states as Initialized. Bounded: a pull
point holds `QUEUED_MAX` messages and then loses the oldest; there are `pull_points_max` of them; each ends unless renewed.
(ONVIF Core Specification, "Real-time Pull-Point Notification Interface".)
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from simulators.faults import SimulatedClock
from simulators.onvif_camera.soap import SoapFault, date_time

QUEUED_MAX: Final = 200
LIFE_S_MAX: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic of the camera: its path below tns1, its source items, the name of its boolean."""

    path: str
    source: tuple[tuple[str, str], ...]
    item: str

    def message(self, operation: str, at: datetime, *, on: bool) -> str:
        """A wsnt:NotificationMessage."""
        source = "".join(f"<tt:SimpleItem Name={quoteattr(n)} Value={quoteattr(v)}/>" for n, v in self.source)
        return (
            "<wsnt:NotificationMessage>"
            '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"tns1:{escape(self.path)}</wsnt:Topic>"
            f'<wsnt:Message><tt:Message UtcTime="{date_time(at)}" PropertyOperation="{operation}">'
            f"<tt:Source>{source}</tt:Source>"
            f'<tt:Data><tt:SimpleItem Name={quoteattr(self.item)} Value="{"true" if on else "false"}"/></tt:Data>'
            "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )


_ANALYTICS: Final = (
    ("VideoSourceConfigurationToken", "VideoSourceConfiguration0"),
    ("VideoAnalyticsConfigurationToken", "VideoAnalyticsConfiguration0"),
)
CELL_MOTION: Final = Topic(
    path="RuleEngine/CellMotionDetector/Motion", source=(*_ANALYTICS, ("Rule", "Motion")), item="IsMotion"
)
MOTION_ALARM: Final = Topic(path="VideoSource/MotionAlarm", source=(("Source", "VideoSource0"),), item="State")
SCENE_CHANGE: Final = Topic(
    path="VideoSource/GlobalSceneChange/ImagingService", source=(("Source", "VideoSource0"),), item="State"
)
TAMPER: Final = Topic(
    path="RuleEngine/TamperDetector/Tamper", source=(*_ANALYTICS, ("Rule", "Tamper")), item="IsTamper"
)


def digital_input(token: str) -> Topic:
    """The topic of one input contact."""
    return Topic(path="Device/Trigger/DigitalInput", source=(("InputToken", token),), item="LogicalState")


@dataclass(slots=True, kw_only=True, eq=False)
class PullPoint:
    """One client's queue. `ended` tells a waiting pull that there is nothing more to wait for."""

    id: str
    ends_mono_s: float
    life_s: float
    queue: deque[str] = field(default_factory=lambda: deque(maxlen=QUEUED_MAX))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def put(self, message: str) -> None:
        """Hold one message for the next pull."""
        self.queue.append(message)
        self.arrived.set()

    async def take(self, *, limit: int, timeout_s: float) -> list[str]:
        """Up to `limit` messages, as soon as there is one, or none after `timeout_s`. Raises SoapFault once ended."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self.queue and not self.ended:
                    self.arrived.clear()
                    await self.arrived.wait()
        except TimeoutError:
            return []
        if self.ended:
            raise unknown_pull_point()
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self.arrived.set()


class Properties:
    """The camera's states, and everyone who wants to know."""

    def __init__(self, clock: SimulatedClock, topics: tuple[Topic, ...], *, pull_points_max: int) -> None:
        self._clock = clock
        self._pull_points_max = pull_points_max
        self._states: dict[Topic, tuple[bool, datetime]] = {topic: (False, clock.utc()) for topic in topics}
        self._pull_points: dict[str, PullPoint] = {}
        self._number = 0

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Everything the camera can tell of."""
        return tuple(self._states)

    @property
    def pull_points(self) -> tuple[str, ...]:
        """The living pull points."""
        self._bury()
        return tuple(self._pull_points)

    def states(self) -> dict[str, bool]:
        """Each property by its path and last source item."""
        return {f"{topic.path}({topic.source[-1][1]})": on for topic, (on, _) in self._states.items()}

    def change(self, topic: Topic, *, on: bool) -> None:
        """A property takes a state; only a new one is told of."""
        if topic not in self._states:
            raise ValueError(f"this camera has no {topic.path}")
        if self._states[topic][0] is on:
            return
        now = self._clock.utc()
        self._states[topic] = (on, now)
        self._bury()
        for pull_point in self._pull_points.values():
            pull_point.put(topic.message("Changed", now, on=on))

    def subscribe(self, life_s: float) -> PullPoint:
        """A new pull point with every property's state in it. Raises SoapFault when there are too many."""
        self._bury()
        if len(self._pull_points) >= self._pull_points_max:
            raise SoapFault(
                "the maximum number of pull points is reached", "ter:Action", "wsnt:SubscribeCreationFailedFault",
                code="Receiver", status=500,
            )  # fmt: skip
        self._number += 1
        life_s = min(max(life_s, 0.0), LIFE_S_MAX)
        pull_point = PullPoint(id=str(self._number), ends_mono_s=self._clock.mono_s() + life_s, life_s=life_s)
        self._pull_points[pull_point.id] = pull_point
        self.synchronise(pull_point)
        return pull_point

    def synchronise(self, pull_point: PullPoint) -> None:
        """Tell every property's state again."""
        for topic, (on, since) in self._states.items():
            pull_point.put(topic.message("Initialized", since, on=on))

    def find(self, pull_point_id: str) -> PullPoint:
        """A living pull point, or SoapFault."""
        self._bury()
        found = self._pull_points.get(pull_point_id)
        if found is None:
            raise unknown_pull_point()
        return found

    def renew(self, pull_point: PullPoint, life_s: float) -> None:
        """Let it live `life_s` from now."""
        pull_point.ends_mono_s = self._clock.mono_s() + min(max(life_s, 0.0), LIFE_S_MAX)

    def unsubscribe(self, pull_point: PullPoint) -> None:
        """End one."""
        pull_point.end()
        self._pull_points.pop(pull_point.id, None)

    def forget_all(self) -> None:
        """Every pull point is gone, as after a reboot."""
        for pull_point in list(self._pull_points.values()):
            self.unsubscribe(pull_point)

    def _bury(self) -> None:
        now_s = self._clock.mono_s()
        for pull_point in [one for one in self._pull_points.values() if one.ends_mono_s <= now_s]:
            self.unsubscribe(pull_point)


def unknown_pull_point() -> SoapFault:
    """What a call to a pull point that is gone is answered with."""
    return SoapFault("there is no such pull point", "ter:InvalidArgVal", "wsrfr:ResourceUnknownFault")
