"""The driver against the simulated gateway, over a real broker."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from secd.drivers.mqtt_buttons import FAMILY, MqttButtonsSettings
from secd.drivers.mqtt_buttons.driver import ACKNOWLEDGE_S, UNACKNOWLEDGED_MAX, MqttButtonsDriver
from secd.model.errors import LinkLost
from secd.model.facts import ButtonState, DeviceTold, Fact, LinkChanged, PanicPressed, PressKind
from secd.model.names import DeviceId, OrderId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, SetOutput
from secd.model.secret import Secret
from secd.runtime.clock import ManualClock, SystemClock
from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, open_session
from simulators.broker import EmbeddedBroker
from simulators.mqtt_peer import Login
from simulators.wireless_buttons import WirelessButtons

TOPIC = "buttons/courthouse"
LONG_S = 10.0
DEVICE = DeviceId("wireless-buttons")


class Heard:
    """What the driver reported."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self._more = asyncio.Event()

    def report(self, observation: Observation) -> None:
        self.observations.append(observation)
        self._more.set()

    def facts(self, shape: type[Fact]) -> list[Fact]:
        return [one.fact for one in self.observations if isinstance(one.fact, shape)]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG_S):
            while not holds():
                self._more.clear()
                await self._more.wait()


def settings(address: str) -> MqttButtonsSettings:
    return MqttButtonsSettings.model_validate({"driver": "mqtt_buttons", "broker": address, "topic": TOPIC})


def new_driver(address: str, clock: SystemClock | ManualClock | None = None) -> MqttButtonsDriver:
    driver = FAMILY.build(DEVICE, settings(address), clock or SystemClock(), lambda ref: Secret(""))
    assert isinstance(driver, MqttButtonsDriver)
    return driver


@asynccontextmanager
async def listening(driver: MqttButtonsDriver) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(driver.run(heard.report, lambda: None))
    try:
        await heard.until(lambda: bool(heard.facts(LinkChanged)) or task.done())
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, LinkLost):
            await task


@asynccontextmanager
async def gateway(broker: EmbeddedBroker) -> AsyncIterator[WirelessButtons]:
    buttons = WirelessButtons(broker=broker.address, topic=TOPIC, buttons=["badge-1", "badge-2"])
    async with buttons:
        async with asyncio.timeout(LONG_S):
            await buttons.until_connected()
        yield buttons


@asynccontextmanager
async def stranger(broker: EmbeddedBroker) -> AsyncIterator[MqttSession]:
    async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="stranger")) as session:
        yield session


def body(press_id: str, **more: object) -> bytes:
    return json.dumps({"press": "help", "press_id": press_id, "sent": datetime.now(UTC).isoformat()} | more).encode()


async def test_a_press_and_its_check_in_are_reported_with_their_point() -> None:
    async with EmbeddedBroker() as broker, listening(new_driver(broker.address)) as heard, gateway(broker) as buttons:
        buttons.press("badge-1", "lockdown", presses=3)
        await heard.until(lambda: bool(heard.facts(PanicPressed)) and len(heard.facts(ButtonState)) >= 2)
        assert heard.facts(PanicPressed) == [
            PanicPressed(point="button/badge-1", press=PressKind.LOCKDOWN, presses=3, queued=False)
        ]
        assert ButtonState(point="button/badge-2", battery_percent=100) in heard.facts(ButtonState)
        assert heard.observations[0].fact == LinkChanged(up=True)


async def test_battery_and_tamper_are_reported() -> None:
    async with EmbeddedBroker() as broker, listening(new_driver(broker.address)) as heard, gateway(broker) as buttons:
        buttons.battery("badge-1", 9)
        buttons.tamper("badge-2")
        low = ButtonState(point="button/badge-1", battery_percent=9)
        opened = ButtonState(point="button/badge-2", battery_percent=100, tampered=True)
        await heard.until(lambda: low in heard.facts(ButtonState) and opened in heard.facts(ButtonState))


async def test_s15_a_press_made_while_secd_is_away_is_a_late_panic() -> None:
    clock = ManualClock(datetime.now(UTC))
    async with EmbeddedBroker() as broker:
        driver = new_driver(broker.address, clock)
        async with listening(driver):
            pass
        async with gateway(broker) as buttons, asyncio.timeout(LONG_S):
            buttons.press("badge-1")
            await buttons.until_sent()
        await clock.advance(7200)
        async with listening(driver) as heard:
            await heard.until(lambda: bool(heard.facts(PanicPressed)))
            assert heard.facts(PanicPressed) == [
                PanicPressed(point="button/badge-1", press=PressKind.HELP, queued=True)
            ]
            assert next(one for one in heard.observations if isinstance(one.fact, PanicPressed)).age_s > 7000


async def test_s15_a_press_that_was_not_latched_comes_again() -> None:
    async with EmbeddedBroker() as broker:
        async with listening(new_driver(broker.address)):
            pass
        async with gateway(broker) as buttons, asyncio.timeout(LONG_S):
            buttons.press("badge-1")
            await buttons.until_sent()

        def dies(observation: Observation) -> None:
            if isinstance(observation.fact, PanicPressed):
                raise LinkLost("the process dies before it latched the press")

        async with asyncio.timeout(LONG_S):
            with pytest.raises(LinkLost, match="dies"):
                await new_driver(broker.address).run(dies, lambda: None)
        async with listening(new_driver(broker.address)) as heard:
            await heard.until(lambda: bool(heard.facts(PanicPressed)))


async def test_s15_a_press_that_was_reported_long_enough_ago_to_be_stored_does_not_come_again() -> None:
    clock = ManualClock(datetime.now(UTC))
    async with EmbeddedBroker() as broker:
        async with listening(new_driver(broker.address, clock)) as heard, stranger(broker) as radio:
            await radio.publish(f"{TOPIC}/badge-1/press", body("p1"))
            await heard.until(lambda: bool(heard.facts(PanicPressed)))
            await clock.advance(ACKNOWLEDGE_S)
        async with listening(new_driver(broker.address)) as heard, stranger(broker) as radio:
            await radio.publish(f"{TOPIC}/badge-2/press", body("p2"))
            await heard.until(lambda: bool(heard.facts(PanicPressed)))
            assert [fact.point for fact in heard.facts(PanicPressed)] == ["button/badge-2"]  # type: ignore[union-attr]


async def test_s15_a_press_that_may_not_be_stored_yet_comes_again_and_many_do_not_stop_the_broker() -> None:
    clock = ManualClock(datetime.now(UTC))
    async with EmbeddedBroker() as broker:
        async with listening(new_driver(broker.address, clock)) as heard, stranger(broker) as radio:
            for number in range(2 * UNACKNOWLEDGED_MAX):
                await radio.publish(f"{TOPIC}/badge-{number}/press", body(f"p{number}"))
            await heard.until(lambda: len(heard.facts(PanicPressed)) == 2 * UNACKNOWLEDGED_MAX)
        async with listening(new_driver(broker.address)) as heard:
            await heard.until(lambda: len(heard.facts(PanicPressed)) == UNACKNOWLEDGED_MAX)


async def test_s15_a_retained_press_is_trouble_and_no_press() -> None:
    async with EmbeddedBroker() as broker:
        async with stranger(broker) as radio:
            await radio.publish(f"{TOPIC}/badge-1/press", body("old"), retain=True)
        async with listening(new_driver(broker.address)) as heard, stranger(broker) as radio:
            await radio.publish(f"{TOPIC}/badge-2/press", body("new"))
            await heard.until(lambda: bool(heard.facts(PanicPressed)) and bool(heard.facts(DeviceTold)))
            assert [fact.what for fact in heard.facts(DeviceTold)] == ["retained_press"]  # type: ignore[union-attr]
            assert [fact.point for fact in heard.facts(PanicPressed)] == ["button/badge-2"]  # type: ignore[union-attr]


async def test_s15_a_press_made_now_counts_even_if_the_gateway_asks_to_retain_it() -> None:
    async with EmbeddedBroker() as broker, listening(new_driver(broker.address)) as heard, gateway(broker) as buttons:
        buttons.retained_press("badge-1")
        await heard.until(lambda: bool(heard.facts(PanicPressed)))


async def test_repeats_of_one_press_are_one_press_and_a_rise_is_told() -> None:
    async with EmbeddedBroker() as broker, listening(new_driver(broker.address)) as heard, stranger(broker) as radio:
        topic = f"{TOPIC}/badge-1/press"
        for message in (body("a"), body("a"), body("a", presses=3), body("a"), body("a", press="lockdown"), body("b")):
            await radio.publish(topic, message)
        await heard.until(lambda: len(heard.facts(PanicPressed)) >= 4)
        pressed = heard.facts(PanicPressed)
        assert [(fact.press.value, fact.presses) for fact in pressed] == [  # type: ignore[union-attr]
            ("help", 1),
            ("help", 3),
            ("lockdown", 1),
            ("help", 1),
        ]


async def test_s15_a_button_that_never_changes_its_press_id_is_heard_again_later() -> None:
    clock = ManualClock(datetime.now(UTC))
    async with (
        EmbeddedBroker() as broker,
        listening(new_driver(broker.address, clock)) as heard,
        stranger(broker) as radio,
    ):
        await radio.publish(f"{TOPIC}/badge-1/press", b'{"press": "help", "press_id": "1"}')
        await heard.until(lambda: len(heard.facts(PanicPressed)) == 1)
        await clock.advance(timedelta(minutes=5).total_seconds())
        await radio.publish(f"{TOPIC}/badge-1/press", b'{"press": "help", "press_id": "1"}')
        await heard.until(lambda: len(heard.facts(PanicPressed)) == 2)


async def test_garbage_is_told_once_with_its_count_and_the_link_stays() -> None:
    clock = ManualClock(datetime.now(UTC))
    async with (
        EmbeddedBroker() as broker,
        listening(new_driver(broker.address, clock)) as heard,
        gateway(broker) as buttons,
    ):
        for text in ("{", "[]", '{"press": "fire"}', "\x00"):
            buttons.garbage("badge-1", text)
        buttons.press("badge-1")
        await heard.until(lambda: bool(heard.facts(PanicPressed)))
        assert len(heard.facts(DeviceTold)) == 1
        await clock.advance(11)
        buttons.garbage("badge-1")
        await heard.until(lambda: len(heard.facts(DeviceTold)) == 2)
        assert [(fact.what, fact.count) for fact in heard.facts(DeviceTold)] == [  # type: ignore[union-attr]
            ("misbehaved", 1),
            ("misbehaved", 4),
        ]


async def test_a_jammed_radio_is_silence() -> None:
    async with EmbeddedBroker() as broker, listening(new_driver(broker.address)) as heard, gateway(broker) as buttons:
        buttons.jam(button="badge-1")
        buttons.press("badge-1")
        buttons.press("badge-2")
        await heard.until(lambda: bool(heard.facts(PanicPressed)))
        assert [fact.point for fact in heard.facts(PanicPressed)] == ["button/badge-2"]  # type: ignore[union-attr]


async def test_a_broker_that_vanishes_is_a_lost_link_and_the_press_waits_in_the_gateway() -> None:
    async with EmbeddedBroker() as broker, gateway(broker) as buttons:
        driver = new_driver(broker.address)
        heard = Heard()
        task = asyncio.create_task(driver.run(heard.report, lambda: None))
        await heard.until(lambda: bool(heard.facts(LinkChanged)))
        await broker.vanish()
        async with asyncio.timeout(LONG_S):
            with pytest.raises(LinkLost):
                await task
        await buttons.vanish()
        buttons.press("badge-1")
        await broker.come_back()
        async with listening(driver) as again:
            await buttons.join()
            await again.until(lambda: bool(again.facts(PanicPressed)))
        gc.collect()


async def test_an_order_is_answered_with_no() -> None:
    order = DeviceOrder(
        id=OrderId("o"), device=DEVICE, act=SetOutput(output=1, energised=True), expires_mono_s=float("inf")
    )
    assert not (await new_driver("mqtt://127.0.0.1:1").perform(order)).done


async def test_a_gateway_with_a_login_uses_it() -> None:
    async with EmbeddedBroker(users={"secd": "s3cret", "radio": "r"}) as broker:
        written = {
            "driver": "mqtt_buttons",
            "broker": broker.address,
            "topic": TOPIC,
            "login": {"username": "secd", "password": {"file": "secrets/mqtt-password"}},
        }
        driver = FAMILY.build(
            DEVICE, MqttButtonsSettings.model_validate(written), SystemClock(), lambda ref: Secret("s3cret")
        )
        buttons = WirelessButtons(
            broker=broker.address, topic=TOPIC, buttons=["badge-1"], login=Login(username="radio", password="r")
        )
        async with listening(driver) as heard, buttons:  # type: ignore[arg-type]
            await heard.until(lambda: bool(heard.facts(ButtonState)))
