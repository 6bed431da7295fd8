"""The gateway of some wireless panic buttons: what they send over the radio, it publishes.

In: presses by hand. Out: `{topic}/{button}/press` and `{topic}/{button}/state`, QoS 1. A button repeats its press for up to
90 s, as real ones do; what it sends while the broker is away waits in the gateway. A jammed radio is silence: nothing
is queued, nothing is sent, and no check-in either.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Le

from secd.model.errors import SecdError
from secd.runtime.ids import UlidSource
from secd.runtime.mqtt import MqttSession, Received
from simulators.faults import SimulatedClock
from simulators.mqtt_peer import Login, MqttPeer

WAITING_MAX = 100
REPEAT_S_MAX = 90.0
REPEAT_EVERY_S = 3.0
BATTERY_LOW_PERCENT = 20


@dataclass(slots=True)
class Button:
    """One button. `presses` counts since `press_id` was made."""

    battery_percent: int = 100
    tampered: bool = False
    jammed: bool = False
    press_id: str = ""
    presses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    topic: str
    payload: bytes
    retain: bool


class WirelessButtons:
    """`async with` runs it; buttons check in every `check_in_s`, and once at start."""

    def __init__(
        self,
        *,
        broker: str,
        topic: str,
        buttons: Iterable[str],
        name: str = "wireless-buttons",
        login: Login | None = None,
        check_in_s: float = 60.0,
        clock: SimulatedClock | None = None,
    ) -> None:
        self.name = name
        self.clock = clock or SimulatedClock()
        self.buttons = {button: Button() for button in buttons}
        self._topic = topic
        self._check_in_s = check_in_s
        self._ids = UlidSource()
        self._waiting: deque[_Sent] = deque(maxlen=WAITING_MAX)
        self._arrived = asyncio.Event()
        self._settled = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._repeats: dict[str, asyncio.Task[None]] = {}
        self._peer = MqttPeer(
            broker=broker, client_id=f"gateway-{name}", login=login, joined=self._joined, heard=self._heard
        )

    async def __aenter__(self) -> Self:
        for button in self.buttons:
            self.check_in(button)
        await self._peer.__aenter__()
        self._start(self._pump())
        self._start(self._keep_checking_in())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._peer.__aexit__(kind, error, trace)

    # --- what may be done to it -------------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {
            "press": self.press,
            "release": self.release,
            "battery": self.battery,
            "tamper": self.tamper,
            "check_in": self.check_in,
            "jam": self.jam,
            "retained_press": self.retained_press,
            "garbage": self.garbage,
            "vanish": self.vanish,
            "join": self.join,
        }

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return {
            "connected": self._peer.connected,
            "problem": self._peer.problem,
            "waiting": len(self._waiting),
            "buttons": {
                name: {
                    "battery": button.battery_percent,
                    "tampered": button.tampered,
                    "jammed": button.jammed,
                    "presses": button.presses,
                    "repeating": name in self._repeats,
                }
                for name, button in self.buttons.items()
            },
        }

    def press(
        self,
        button: str,
        press: Literal["help", "lockdown"] = "help",
        presses: Annotated[int, Ge(1), Le(100)] = 1,
        repeat_s: Annotated[float, Ge(0), Le(REPEAT_S_MAX)] = 0.0,
    ) -> str:
        """Press a button; returns the press's id. With `repeat_s` it repeats itself that long, or until `release`."""
        pressed = self._named(button)
        pressed.press_id = self._ids.new(self.clock.utc())
        pressed.presses = presses
        self._send_press(button, press)
        if repeat_s > 0:
            self.release(button)
            self._repeats[button] = self._start(self._repeat(button, press, repeat_s))
        return pressed.press_id

    def release(self, button: str) -> None:
        """Stop repeating."""
        repeating = self._repeats.pop(button, None)
        if repeating is not None:
            repeating.cancel()

    def battery(self, button: str, percent: Annotated[int, Ge(0), Le(100)]) -> None:
        """Set a battery's charge, and check in."""
        self._named(button).battery_percent = percent
        self.check_in(button)

    def tamper(self, button: str, tampered: bool = True) -> None:
        """Open or close a button's case, and check in."""
        self._named(button).tampered = tampered
        self.check_in(button)

    def check_in(self, button: str) -> None:
        """Say that the radio works."""
        state = self._named(button)
        self._send(button, "state", {"battery": state.battery_percent, "tampered": state.tampered})

    def jam(self, jammed: bool = True, button: str = "") -> None:
        """Jam the radio of one button, or of all."""
        for state in [self._named(button)] if button else self.buttons.values():
            state.jammed = jammed

    def retained_press(self, button: str) -> None:
        """A press that the broker keeps: somebody configured the gateway wrongly (S15)."""
        self._named(button)
        body = {
            "press": "help",
            "presses": 1,
            "press_id": self._ids.new(self.clock.utc()),
            "sent": self.clock.utc().isoformat(),
        }
        self._send(button, "press", body, retain=True)

    def garbage(self, button: str, text: str = "{", part: Literal["press", "state"] = "press") -> None:
        """Publish any text in a button's name."""
        self._named(button)
        self._put(_Sent(topic=f"{self._topic}/{button}/{part}", payload=text.encode(), retain=False))

    async def until_connected(self) -> None:
        """Return once the broker has the gateway."""
        await self._peer.until_connected()

    async def until_sent(self) -> None:
        """Return once the broker has acknowledged everything."""
        async with self._settled:
            await self._settled.wait_for(lambda: not self._waiting)

    async def vanish(self) -> None:
        """The gateway's power fails."""
        await self._peer.vanish()

    async def join(self) -> None:
        """The gateway comes back."""
        self._peer.join()
        await self._peer.until_connected()

    # --- private ----------------------------------------------------------------------------------------------------

    def _named(self, button: str) -> Button:
        if button not in self.buttons:
            raise ValueError(f"there is no button {button!r}; there are {', '.join(self.buttons)}")
        return self.buttons[button]

    def _send_press(self, button: str, press: str) -> None:
        pressed = self.buttons[button]
        body = {
            "press": press,
            "presses": pressed.presses,
            "press_id": pressed.press_id,
            "sent": self.clock.utc().isoformat(),
        }
        self._send(button, "press", body)

    def _send(self, button: str, part: str, body: Mapping[str, Any], *, retain: bool = False) -> None:
        if not self.buttons[button].jammed:
            topic = f"{self._topic}/{button}/{part}"
            self._put(_Sent(topic=topic, payload=json.dumps(body).encode(), retain=retain))

    def _put(self, sent: _Sent) -> None:
        self._waiting.append(sent)
        self._arrived.set()

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _repeat(self, button: str, press: str, repeat_s: float) -> None:
        try:
            async with asyncio.timeout(repeat_s):
                while True:
                    await asyncio.sleep(REPEAT_EVERY_S)
                    self._send_press(button, press)
        except TimeoutError:
            self._repeats.pop(button, None)

    async def _keep_checking_in(self) -> None:
        while True:
            await asyncio.sleep(self._check_in_s)
            for button in self.buttons:
                self.check_in(button)

    async def _pump(self) -> None:
        """Publish what waits, oldest first; what the broker did not acknowledge is published again."""
        while True:
            await self._arrived.wait()
            await self._peer.until_connected()
            while self._waiting:
                first = self._waiting[0]
                try:
                    await self._peer.session.publish(first.topic, first.payload, retain=first.retain)
                except (SecdError, ValueError):
                    break
                if self._waiting and self._waiting[0] is first:
                    self._waiting.popleft()
            else:
                self._arrived.clear()
                async with self._settled:
                    self._settled.notify_all()
                continue
            await asyncio.sleep(REPEAT_EVERY_S / 10)

    async def _joined(self, session: MqttSession) -> None:
        """Nothing to subscribe: a gateway only speaks."""

    async def _heard(self, session: MqttSession, received: Received) -> None:
        """Nobody speaks to it."""
