"""One supervised link: keeps one driver running, tells of its outages once, and hands orders to it while it is up.

In: what the driver reports, and how it ends. Out: the same observations, with LinkChanged as the link sees it: down once
per outage with the reason, up with the length of the outage. Refuses observations of a driver run that is over, or of a
link that was replaced; orders while the link is down (they are never kept for later, S8); and to let a driver's failure
out: whatever it raises ends this outage's log line, not the daemon.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from secd.config.types import Settings
from secd.drivers.protocol import Driver, Report, Resume
from secd.model.errors import ConfigError, Fault, LinkLost, PeerViolation, Refused, SecdError
from secd.model.facts import DeviceTold, Fact, LinkChanged
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, Outcome
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock, wait_for
from secd.runtime.logs import one_line
from secd.runtime.supervisor import contain

REASON_CHARS_MAX = 200
STEADY_S = 10.0
"""A link that was up this long before it fell starts its back-off anew; one that flaps does not."""

_log = logging.getLogger(__name__)


class LinkState(StrEnum):
    """CONNECTING only until the first attempt has ended; an outage stays DOWN or REFUSED until the device answers."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """One link as people see it. `attempts` counts since it was last up; `trouble` is "" while it is up."""

    device: DeviceId
    family: str
    label: str
    state: LinkState
    since: datetime
    attempts: int
    trouble: str
    last_seen: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """One way a driver run ends: what the link is then, what the device is said to have done, and who must look."""

    state: LinkState
    told: str
    level: int
    message: str
    slow: bool = False
    rebuild: bool = False


_LOST = _Failure(state=LinkState.DOWN, told="", level=logging.WARNING, message="a device went away")
_REFUSED = _Failure(
    state=LinkState.REFUSED, told="refused", level=logging.ERROR, message="a device refuses us", slow=True, rebuild=True
)
_MISBEHAVED = _Failure(
    state=LinkState.DOWN, told="misbehaved", level=logging.ERROR, message="a device broke its protocol"
)
_UNREADY = _Failure(
    state=LinkState.REFUSED, told="", level=logging.ERROR, message="a device cannot be set up", slow=True, rebuild=True
)
_FAULTY = _Failure(state=LinkState.DOWN, told="", level=logging.ERROR, message="a device's driver failed", rebuild=True)
_FAILURES: tuple[tuple[type[Exception], _Failure], ...] = (
    (LinkLost, _LOST),
    (Refused, _REFUSED),
    (PeerViolation, _MISBEHAVED),
    (Fault, _FAULTY),
    (SecdError, _UNREADY),
    (Exception, _FAULTY),
)


class Link:
    """The link to one device under one settings value; replaced, never changed, when the settings change."""

    def __init__(
        self,
        *,
        device: DeviceId,
        family: str,
        settings: Settings,
        build: Callable[[], Driver],
        clock: Clock,
        report: Report,
        resume: Resume,
        backoff: Backoff,
    ) -> None:
        self.device = device
        self.settings = settings
        self._family = family
        self._build = build
        self._clock = clock
        self._report = report
        self._resume = resume
        self._backoff = backoff
        self._driver: Driver | None = None
        self._current = True
        self._life = 0
        self._state = LinkState.CONNECTING
        self._since = clock.now()
        self._down_mono_s: float | None = None
        self._logged: set[str] = set()
        self._attempts = 0
        self._trouble = ""
        self._last_seen: datetime | None = None

    async def run(self, after: Collection[asyncio.Task[None]] = ()) -> None:
        """Keep the device connected until cancelled. `after` are replaced links, which must let go of it first."""
        if after:
            await asyncio.wait(after)
        while True:
            self._life += 1
            self._attempts += 1
            ended = await contain(self._live(self._life))
            self._life += 1
            await wait_for(self._clock, self._fall(ended if isinstance(ended, Exception) else LinkLost("it ended")))

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order now, or say why not, before its deadline. Never raises, never keeps it for later."""
        if self._state is not LinkState.UP or self._driver is None:
            return _undone(order, f"{self.device} cannot be reached: {self._trouble or self._state.value}")
        left_s = order.expires_mono_s - self._clock.now().mono_s
        if left_s <= 0:
            return _undone(order, "late: its deadline had passed")
        try:
            async with asyncio.timeout(left_s):
                answer = await contain(self._driver.perform(order))
        except TimeoutError:
            return _undone(order, f"{self.device} did not answer before the deadline; it may have been carried out")
        if isinstance(answer, Outcome):
            return answer
        if not isinstance(answer, SecdError):
            _log.error("a driver failed at an order", exc_info=answer, extra=self._fields(order=order.id))
        return _undone(order, _reason(answer))

    def retire(self) -> None:
        """This link was replaced or removed: nothing it still says counts."""
        self._current = False

    def status(self) -> LinkStatus:
        """As it stands."""
        return LinkStatus(
            device=self.device,
            family=self._family,
            label=str(getattr(self.settings, "label", None) or ""),
            state=self._state,
            since=self._since.utc,
            attempts=self._attempts,
            trouble=self._trouble,
            last_seen=self._last_seen,
        )

    async def _live(self, life: int) -> None:
        if self._driver is None:
            self._driver = self._build()
        await self._driver.run(lambda observation: self._take(life, observation), self._resume)

    def _take(self, life: int, observation: Observation) -> None:
        if not self._current or life != self._life:
            return
        self._last_seen = observation.seen.utc
        match observation.fact:
            case LinkChanged(up=True):
                self._rise(observation)
            case LinkChanged(up=False):
                pass  # the driver says so by raising; the outage is then told once, by us
            case _:
                self._report(observation)

    def _rise(self, observation: Observation) -> None:
        if self._state is LinkState.UP:
            return
        now = self._clock.now()
        outage_s = None if self._down_mono_s is None else round(now.mono_s - self._down_mono_s, 3)
        if outage_s is not None:
            _log.info("a device came back", extra=self._fields(outage_s=outage_s))
        self._state, self._since, self._trouble = LinkState.UP, now, ""
        self._down_mono_s = None
        self._attempts = 0
        self._logged.clear()
        self._report(replace(observation, fact=LinkChanged(up=True, outage_s=outage_s)))

    def _fall(self, error: Exception) -> float:
        """Note how the driver's run ended; returns how long to wait before the next one."""
        now = self._clock.now()
        failure = next(row for kind, row in _FAILURES if isinstance(error, kind))
        if self._state is LinkState.UP and now.mono_s - self._since.mono_s >= STEADY_S:
            self._backoff.reset()
        if failure.rebuild:
            self._driver = None  # a secret may have been renewed, a driver's state may be spoilt
        self._trouble = _reason(error)
        if self._state is not failure.state:
            self._state, self._since = failure.state, now
        if self._down_mono_s is None:
            self._down_mono_s = now.mono_s
            self._tell(LinkChanged(up=False, reason=self._trouble))
        if failure.message not in self._logged:
            self._logged.add(failure.message)
            if failure.told:
                self._tell(DeviceTold(what=failure.told, detail=self._trouble))
            unexpected = error if failure is _FAULTY else None
            _log.log(failure.level, failure.message, exc_info=unexpected, extra=self._fields(reason=self._trouble))
        return self._backoff.refused_wait_s() if failure.slow else self._backoff.next_wait_s()

    def _tell(self, fact: Fact) -> None:
        if self._current:
            self._report(Observation(device=self.device, fact=fact, seen=self._clock.now()))

    def _fields(self, **fields: object) -> dict[str, object]:
        return {"device": self.device, "family": self._family, **fields}


def _reason(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return one_line("; ".join(problem.message for problem in error.problems), REASON_CHARS_MAX)
    if isinstance(error, SecdError):
        return one_line(error, REASON_CHARS_MAX)
    return one_line(f"its driver failed: {type(error).__name__}: {error}", REASON_CHARS_MAX)


def _undone(order: DeviceOrder, detail: str) -> Outcome:
    return Outcome(order=order.id, done=False, detail=detail)
