"""One gateway's session: persistent, so that the broker keeps presses while we are away; acknowledged by hand.

A press is acknowledged to the broker `ACKNOWLEDGE_S` after `report` took it, when it is stored in all likelihood (S15):
what is not acknowledged comes again, so a crash before that tells a press twice rather than never.
A retained press is trouble and no press; an old one from the queue is a late panic. The same press again (a repeat of
the radio, a duplicate of the broker) is not reported twice within `REPEAT_S`.
"""

import hashlib
from collections import OrderedDict, deque
from typing import NoReturn, assert_never

from secd.drivers.mqtt_buttons.settings import MqttButtonsSettings
from secd.drivers.mqtt_buttons.translate import CheckIn, Malformed, Press, Said, read_message
from secd.drivers.protocol import Report, Resume
from secd.model.facts import ButtonState, DeviceTold, Fact, LinkChanged, PanicPressed, PressKind
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, Outcome
from secd.model.secret import Secret
from secd.model.time import Instant
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached
from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, Received, open_session

SESSION_EXPIRY_S = 7 * 24 * 3600
ACKNOWLEDGE_S = 0.25
UNACKNOWLEDGED_MAX = 10
"""More at once are acknowledged sooner: a broker sends no more while too many wait (Mosquitto: 20)."""
QUEUED_AFTER_S = 5.0
REPEAT_S = 100.0
"""A radio repeats a press for 90 s. The same id later is a button that never changes its id: a press."""
PRESSES_REMEMBERED_MAX = 1024
MISBEHAVED_EVERY_S = 10.0
MISBEHAVED_BUTTONS_MAX = 256
_RANK = {kind: rank for rank, kind in enumerate(PressKind)}


class MqttButtonsDriver:
    """The buttons of one gateway."""

    def __init__(self, device: DeviceId, settings: MqttButtonsSettings, clock: Clock, password: Secret | None) -> None:
        self._device = device
        self._settings = settings
        self._clock = clock
        self._presses: OrderedDict[tuple[str, str], tuple[float, int, int]] = OrderedDict()
        self._misbehaved: dict[str, tuple[float, int]] = {}
        digest = hashlib.sha256(settings.topic.encode()).hexdigest()[:8]
        self._dial = Dial(
            address=BrokerAddress.parse(settings.broker),
            client_id=settings.client_id or f"secd-{device}-{digest}",
            username=settings.login.username if settings.login is not None else "",
            password=password,
            session_expiry_s=SESSION_EXPIRY_S,
            ca_path=settings.ca,
        )

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """Subscribe and read. The broker keeps our place itself: `resume` has nothing to add."""
        del resume
        async with open_session(self._dial) as session:
            await session.subscribe(f"{self._settings.topic}/+/press", f"{self._settings.topic}/+/state")
            self._report(report, LinkChanged(up=True), self._clock.now())
            waiting: deque[Received] = deque()
            try:
                while True:
                    received = await session.receive()
                    reached("read")
                    self._take(report, received)
                    self._acknowledge_later(session, received, waiting)
            finally:
                waiting.clear()

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Nothing: a button has no output."""
        return Outcome(order=order.id, done=False, detail="wireless buttons carry nothing out")

    def _acknowledge_later(self, session: MqttSession, received: Received, waiting: deque[Received]) -> None:
        """In the order they came, as MQTT wants it. `waiting` is of this session, and empty once it is over."""
        waiting.append(received)

        def acknowledge() -> None:
            while any(one is received for one in waiting):
                session.acknowledge(waiting.popleft())
                reached("acknowledged")

        self._clock.call_at(self._clock.now().mono_s + ACKNOWLEDGE_S, acknowledge)
        if len(waiting) > UNACKNOWLEDGED_MAX:
            session.acknowledge(waiting.popleft())

    def _take(self, report: Report, received: Received) -> None:
        now = self._clock.now()
        said: Said | None = read_message(self._settings.topic, received.topic, received.payload)
        match said:
            case None:
                return
            case Press():
                self._take_press(report, said, received, now)
            case CheckIn():
                state = ButtonState(
                    point=_point(said.button), battery_percent=said.battery_percent, tampered=said.tampered
                )
                self._report(report, state, now)
                self._tell_flaws(report, said.button, said.flaws, now)
            case Malformed():
                self._tell_flaws(report, said.button, (said.why,), now)
            case _:
                assert_never(said)

    def _take_press(self, report: Report, said: Press, received: Received, now: Instant) -> None:
        if received.retained:
            detail = f"the broker retains a press of {said.button}: it is not taken for one"
            self._report(report, DeviceTold(what="retained_press", detail=detail), now)
            return
        age_s = max(0.0, (now.utc - said.sent).total_seconds()) if said.sent is not None else 0.0
        if self._is_news(said, now):
            pressed = PanicPressed(
                point=_point(said.button),
                press=said.press,
                presses=said.presses,
                queued=age_s > QUEUED_AFTER_S or received.duplicate,
            )
            self._report(report, pressed, now, age_s)
        self._tell_flaws(report, said.button, said.flaws, now)

    def _is_news(self, said: Press, now: Instant) -> bool:
        """Whether this is another press, a higher kind or a higher count than was reported under this id."""
        if not said.press_id:
            return True
        key = (said.button, said.press_id)
        first_mono_s, rank, presses = self._presses.get(key, (now.mono_s, -1, 0))
        if now.mono_s - first_mono_s > REPEAT_S:
            first_mono_s, rank, presses = now.mono_s, -1, 0
        if _RANK[said.press] <= rank and said.presses <= presses:
            return False
        self._presses[key] = (first_mono_s, max(rank, _RANK[said.press]), max(presses, said.presses))
        while len(self._presses) > PRESSES_REMEMBERED_MAX:
            self._presses.popitem(last=False)
        return True

    def _tell_flaws(self, report: Report, button: str, flaws: tuple[str, ...], now: Instant) -> None:
        """Say what is wrong, at most once in ten seconds for one button, with how often it was."""
        if not flaws:
            return
        if button not in self._misbehaved and len(self._misbehaved) >= MISBEHAVED_BUTTONS_MAX:
            button = ""
        not_before, unsaid = self._misbehaved.get(button, (now.mono_s, 0))
        if now.mono_s < not_before:
            self._misbehaved[button] = (not_before, unsaid + 1)
            return
        self._misbehaved[button] = (now.mono_s + MISBEHAVED_EVERY_S, 0)
        detail = f"a message of {button or 'an unnamed button'}: {'; '.join(flaws)}"
        self._report(report, DeviceTold(what="misbehaved", detail=detail, count=unsaid + 1), now)

    def _report(self, report: Report, fact: Fact, now: Instant, age_s: float = 0.0) -> None:
        report(Observation(device=self._device, fact=fact, seen=now, age_s=age_s))


def _point(button: str) -> str:
    return f"button/{button}"
