"""One MQTT connection, against the embedded broker and a cable that misbehaves."""

import asyncio
import gc
from contextlib import suppress

import pytest

from secd.model.errors import LinkLost, PeerViolation
from secd.model.secret import Secret
from secd.runtime.mqtt import BrokerAddress, Dial, Extras, Will, open_session
from simulators.broker import EmbeddedBroker
from simulators.faults import Cut, FaultyLink
from simulators.spoils import Spoil

LONG_S = 10.0


def dial(address: str, client_id: str, **more: object) -> Dial:
    return Dial(address=BrokerAddress.parse(address), client_id=client_id, answer_s_max=3.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["mqtt://", "http://broker:1", "broker:1883", "mqtt://u:p@broker:1", "mqtt://broker:1/x", "mqtt://b:99999"]
)
def test_an_address_that_is_not_a_broker_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BrokerAddress.parse(text)


def test_an_address_has_the_usual_ports() -> None:
    assert BrokerAddress.parse("mqtt://broker").port == 1883
    assert BrokerAddress.parse("mqtts://broker").port == 8883
    assert str(BrokerAddress.parse("mqtts://broker:9")) == "mqtts://broker:9"


async def test_a_published_message_arrives_with_its_properties_and_is_acknowledged() -> None:
    async with EmbeddedBroker() as broker, open_session(dial(broker.address, "reader")) as reader:
        await reader.subscribe("a/#")
        async with open_session(dial(broker.address, "writer")) as writer:
            extras = Extras(content_type="application/json", expiry_s=30, correlation=b"7", user={"type": "t"})
            puback = await writer.publish("a/b", b"hello", extras=extras)
        async with asyncio.timeout(LONG_S):
            received = await reader.receive()
        assert not puback.denied
        assert (received.topic, received.payload, received.correlation) == ("a/b", b"hello", b"7")


async def test_messages_sent_without_waiting_arrive_in_order() -> None:
    async with EmbeddedBroker() as broker, open_session(dial(broker.address, "reader")) as reader:
        await reader.subscribe("n")
        async with open_session(dial(broker.address, "writer")) as writer:
            answers = [await writer.send("n", str(number).encode()) for number in range(300)]
            for answer in answers:
                await writer.confirm(answer)
            async with asyncio.timeout(LONG_S):
                for number in range(300):
                    received = await reader.receive()
                    reader.acknowledge(received)
                    assert received.payload == str(number).encode()


async def test_a_message_not_acknowledged_comes_again_in_the_next_connection() -> None:
    async with EmbeddedBroker() as broker:
        keep = dial(broker.address, "keeper", session_expiry_s=60)
        async with open_session(keep) as session:
            assert not session.session_present
            await session.subscribe("press")
            await session.publish("press", b"1")
            async with asyncio.timeout(LONG_S):
                await session.receive()
        async with open_session(keep) as session, asyncio.timeout(LONG_S):
            assert session.session_present
            again = await session.receive()
            assert again.payload == b"1"
            session.acknowledge(again)


async def test_the_will_speaks_only_when_nobody_said_goodbye() -> None:
    async with EmbeddedBroker() as broker, open_session(dial(broker.address, "watcher")) as watcher:
        await watcher.subscribe("status/#")
        with pytest.raises(LinkLost, match="pulled"):
            async with open_session(dial(broker.address, "one", will=Will(topic="status/one", payload=b"lost"))):
                raise LinkLost("pulled")
        async with open_session(dial(broker.address, "two", will=Will(topic="status/two", payload=b"lost"))):
            pass
        async with open_session(dial(broker.address, "three")) as three:
            await three.publish("status/end", b"end")
        seen = []
        async with asyncio.timeout(LONG_S):
            while len(seen) < 2:
                seen.append((await watcher.receive()).topic)
        assert sorted(seen) == ["status/end", "status/one"]


async def test_nobody_listening_at_the_address_is_a_lost_link() -> None:
    broker = EmbeddedBroker()
    async with broker:
        address = broker.address
    with pytest.raises(LinkLost, match="cannot be reached"):
        async with open_session(dial(address, "x")):
            raise AssertionError("connected to nobody")


async def test_a_broker_that_drops_a_wrong_password_is_a_lost_link() -> None:
    async with EmbeddedBroker(users={"secd": "right"}) as broker:
        wrong = dial(broker.address, "x", username="secd", password=Secret("wrong"), connect_s_max=1.0)
        with pytest.raises(LinkLost):
            async with open_session(wrong):
                raise AssertionError("let in with a wrong password")
        right = dial(broker.address, "x", username="secd", password=Secret("right"))
        async with open_session(right) as session:
            assert not (await session.publish("a", b"")).denied


async def test_a_broker_that_vanishes_ends_every_wait_and_warns_about_nothing() -> None:
    async with EmbeddedBroker() as broker:

        async def lose_the_broker() -> None:
            async with open_session(dial(broker.address, "x")) as session:
                await session.subscribe("a")
                await broker.vanish()
                async with asyncio.timeout(LONG_S):
                    await session.receive()

        with pytest.raises(LinkLost):
            await lose_the_broker()
        gc.collect()


async def test_a_send_in_flight_when_the_link_breaks_is_a_lost_link() -> None:
    async with EmbeddedBroker() as broker, FaultyLink(broker.port) as link:

        async def send_into_a_cut_cable() -> None:
            async with open_session(dial(f"mqtt://127.0.0.1:{link.port}", "x")) as session:
                await link.cut(Cut.SILENT)
                answers = [await session.send("a", b"x") for _ in range(50)]
                link.reset()
                await session.confirm(answers[0])

        with pytest.raises(LinkLost):
            await send_into_a_cut_cable()
        gc.collect()


async def test_a_silent_broker_is_lost_after_the_answer_time() -> None:
    async with EmbeddedBroker() as broker, FaultyLink(broker.port) as link:
        quick = Dial(address=BrokerAddress.parse(f"mqtt://127.0.0.1:{link.port}"), client_id="x", answer_s_max=0.2)

        async def publish_into_silence() -> None:
            async with open_session(quick) as session:
                await link.cut(Cut.SILENT)
                await session.publish("a", b"x")

        with pytest.raises(LinkLost, match="stopped answering"):
            await publish_into_silence()


@pytest.mark.parametrize("what", list(Spoil))
async def test_a_spoiled_stream_ends_the_session_or_leaves_it_whole(what: Spoil) -> None:
    async with EmbeddedBroker() as broker, FaultyLink(broker.port) as link:
        quick = Dial(address=BrokerAddress.parse(f"mqtt://127.0.0.1:{link.port}"), client_id="x", answer_s_max=0.3)
        with suppress(LinkLost, PeerViolation):
            async with open_session(quick) as session, asyncio.timeout(LONG_S):
                await session.subscribe("a")
                link.spoil(what, messages=3)
                for number in range(5):
                    await session.publish("a", str(number).encode())
        gc.collect()


async def test_cancelling_while_connecting_leaves_nothing_behind() -> None:
    async with EmbeddedBroker() as broker, FaultyLink(broker.port) as link:
        await link.cut(Cut.SILENT)

        async def connect() -> None:
            async with open_session(dial(f"mqtt://127.0.0.1:{link.port}", "x")):
                raise AssertionError("connected through a cut cable")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect()
        gc.collect()
        assert len(asyncio.all_tasks()) <= 3
