"""The dead-man relay: secd keeps it pulsing while engine and store answer, so that a dead host is not silence (S17).

In: the `dead_man` section and whether secd is well. Out: one pulse every `every`, each twice as long, timed by the board. The
relay drives a zone of the panel that is there anyway: when the pulses stop it falls within two of them, whatever has died.
Refused: a pulse of a secd that does not answer.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import count
from typing import Annotated, Any

from pydantic import Field

from secd.config.types import DevicePoint, Finding, Seconds, Section, Settings, point_device, point_number
from secd.model.names import DeviceId, OrderId
from secd.model.order import DeviceOrder, Outcome, PulseOutput
from secd.policies.doors.checks import used_twice
from secd.runtime.clock import Clock, wait_for

LOOK_AGAIN_S = 5.0
PULSE_VALID_S = 2.0
PULSES_LONG = 2.0
"""A pulse lasts so many intervals: one that is late lets nothing fall."""

_log = logging.getLogger(__name__)


class DeadManSettings(Settings):
    """A relay that stays energised only while secd is well."""

    output: DevicePoint
    """Wired to a zone of the alarm panel through its normally open contact."""
    every: Annotated[Seconds, Field(ge=1.0, le=60.0)] = 5.0


def check_dead_man(values: Mapping[str, Any]) -> Iterator[Finding]:
    """A relay of its own: no lock hangs on it."""
    settings = values.get("dead_man")
    if settings is None:
        return
    locks = [(("doors", name, "wiring", "lock"), door.wiring.lock) for name, door in values.get("doors", {}).items()]
    for finding in used_twice([*locks, (("dead_man", "output"), settings.output)], "relay"):
        if finding.path[0] == "dead_man":
            yield finding


class DeadMan:
    """Pulses the relay of the running configuration. Owned by one supervised task."""

    def __init__(
        self, *, settings: Callable[[], DeadManSettings | None], is_well: Callable[[], Awaitable[bool]],
        perform: Callable[[DeviceOrder], Awaitable[Outcome]], clock: Clock,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._is_well = is_well
        self._perform = perform
        self._clock = clock
        self._numbers = count(1)
        self._trouble = ""

    async def run(self) -> None:
        """Pulse until cancelled."""
        while True:
            settings = self._settings()
            if settings is not None:
                self._note(await self._pulse(settings))
            await wait_for(self._clock, settings.every if settings is not None else LOOK_AGAIN_S)

    async def _pulse(self, settings: DeadManSettings) -> str:
        """One pulse; returns why there was none."""
        if not await self._is_well():
            return "the engine or the store does not answer"
        order = DeviceOrder(
            id=OrderId(f"dead-man.{next(self._numbers)}"),
            device=DeviceId(point_device(settings.output)),
            act=PulseOutput(output=point_number(settings.output), duration_s=settings.every * PULSES_LONG),
            expires_mono_s=self._clock.now().mono_s + PULSE_VALID_S,
        )
        outcome = await self._perform(order)
        return "" if outcome.done else outcome.detail

    def _note(self, trouble: str) -> None:
        """Log that the pulses stop, and that they go on, once each."""
        if bool(trouble) != bool(self._trouble):
            if trouble:
                _log.error("the dead-man relay is not pulsed", extra={"reason": trouble})
            else:
                _log.info("the dead-man relay is pulsed again")
        self._trouble = trouble


SECTIONS = (Section(key="dead_man", model=DeadManSettings, many=False, check=check_dead_man),)
