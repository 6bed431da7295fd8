"""From the log to a station's screen and back, over a real broker and a real store."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from delivery_builders import START, alarm_entry, an_alarm, door_entry
from delivery_house import LONG_S, House, a_station, an_ear

from secd.delivery.mqtt.outbox import CHUNK
from secd.model.entry import Answer
from secd.model.event import Stream
from secd.runtime.clock import ManualClock
from secd.runtime.mqtt import BrokerAddress, Dial, open_session
from secd.store.store import Store
from simulators.broker import EmbeddedBroker
from simulators.monitoring_station import MonitoringStation

BASE = "secd/1/county-a"
A1 = f"{BASE}/alarm/courthouse/A1"
NOBODY_ANSWERS = {"sheriff": {"receipt": "none"}}
"""Rows wait for a station that should answer: where there is none, none is named."""


async def until(station: MonitoringStation, holds: object) -> None:
    assert callable(holds)
    async with asyncio.timeout(LONG_S):
        await station.until(holds)


async def test_a_committed_alarm_is_shown_received_and_acknowledged(house: House, broker: EmbeddedBroker) -> None:
    async with house.delivering(broker.address), a_station(broker.address) as station:
        await house.append(alarm_entry(an_alarm()))
        await until(station, lambda: "A1" in station.ledger.alarms)
        await house.until(lambda: bool(house.given))
        received, author = house.given[0]
        assert (received.verb, received.target, received.args["rev"], author) == (
            "alarm.receive",
            "A1",
            "1",
            "station:sheriff",
        )
        reply = await station.acknowledge(note="two deputies sent", operator="jones")
        acknowledged, _ = house.given[-1]
        assert reply["accepted"] is True
        assert (acknowledged.verb, acknowledged.reason) == ("alarm.acknowledge", "two deputies sent")
        assert station.ledger.alarms["A1"]["point_label"] == "Bench, courtroom A"
        assert any("[SIMULATED]" in line for line in station.lines)


async def test_a_stale_acknowledgement_comes_back_refused(house: House, broker: EmbeddedBroker) -> None:
    house.answer = Answer(done=False, code="stale_rev", detail="it escalated")
    async with house.delivering(broker.address), a_station(broker.address) as station:
        await house.append(alarm_entry(an_alarm()))
        await until(station, lambda: "A1" in station.ledger.alarms)
        reply = await station.acknowledge("A1")
        assert (reply["accepted"], reply["code"]) == (False, "stale_rev")


async def test_expired_and_retained_commands_are_refused_on_the_wire(house: House, broker: EmbeddedBroker) -> None:
    async with house.delivering(broker.address), a_station(broker.address, send_receipts=False) as station:
        await until(station, lambda: station.daemon_status.get("state") == "online")
        body = {"alarm_id": "A1", "rev": 1}
        old = datetime.now(UTC) - timedelta(seconds=30)
        assert (await station.command("ack", body, issued=old))["code"] == "expired"
        assert house.given == []


async def test_every_stream_arrives_whole_and_in_order(house: House, broker: EmbeddedBroker) -> None:
    async with house.delivering(broker.address) as delivery, a_station(broker.address) as station:
        await until(station, lambda: station.daemon_status.get("state") == "online")
        await house.append(*[door_entry(number) for number in range(300)], alarm_entry(an_alarm()))
        await until(station, lambda: len(station.events) == 302)
        sequences = [int(message["sequence"]) for message in station.events if message["stream"] == "courthouse/event"]
        assert sequences == list(range(1, 301))
        assert station.ledger.gaps == []
        await house.append(alarm_entry(an_alarm(2)))
        await until(station, lambda: len(station.events) == 304)
        assert delivery.status().backlog == {"event": 0, "health": 0}  # no chunk starts before the last is confirmed


async def test_alarms_overtake_a_backlog(house: House, broker: EmbeddedBroker) -> None:
    await house.append(*[door_entry(number) for number in range(500)], alarm_entry(an_alarm()))
    async with a_station(broker.address) as station, house.delivering(broker.address):
        await until(station, lambda: len(station.events) == 502)
        kinds = [message["type"] for message in station.events]
        assert "secd.alarm.raised.v1" in kinds[:2]


async def test_a_restart_goes_on_where_the_broker_acknowledged(house: House, broker: EmbeddedBroker) -> None:
    async with a_station(broker.address) as station:
        async with house.delivering(broker.address):
            await house.append(*[door_entry(number) for number in range(30)])
            await until(station, lambda: len(station.events) == 30)
            await until(station, lambda: station.summary != {})
        await until(station, lambda: station.daemon_status["state"] == "stopped")
        await house.append(*[door_entry(number) for number in range(30, 60)])
        async with house.delivering(broker.address):
            await until(station, lambda: len(station.events) == 60)
        track = next(track for key, track in station.ledger.tracks.items() if key[1] == "courthouse/event")
        assert track.last == 60
        assert track.repeated <= CHUNK
        assert station.ledger.gaps == []


async def test_an_express_alarm_is_seen_before_it_is_committed_and_not_twice(
    house: House, broker: EmbeddedBroker
) -> None:
    async with house.delivering(broker.address, stations=NOBODY_ANSWERS) as delivery, an_ear(broker.address) as ear:
        await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics())  # what is retained has been made true
        delivery.express(an_alarm())
        await ear.until(lambda: A1 in ear.topics())
        assert "sequence" not in json.loads(ear.payloads(A1)[0])
        assert house.store.marks()[Stream.ALARM] == 0
        await house.append(alarm_entry(an_alarm()))
        await ear.until(lambda: len(ear.payloads(f"{BASE}/stream/courthouse/alarm")) == 2)
        await house.append(alarm_entry(an_alarm(rev=2, closed=True), "closed"))
        await ear.until(lambda: len(ear.payloads(A1)) == 2)
        assert [json.loads(payload)["data"]["rev"] for payload in ear.payloads(A1)] == [1, 2]


async def test_an_express_alarm_waits_for_a_broker_that_is_away(house: House, broker: EmbeddedBroker) -> None:
    await broker.vanish()
    async with house.delivering(broker.address) as delivery:
        await house.until(lambda: "broker.lost" in house.kinds())
        delivery.express(an_alarm())
        await broker.come_back()
        async with a_station(broker.address) as station:
            await until(station, lambda: "A1" in station.ledger.alarms)


async def test_a_broker_that_forgot_everything_is_told_every_open_alarm_again(
    house: House, broker: EmbeddedBroker
) -> None:
    await house.append(
        alarm_entry(an_alarm(1)), alarm_entry(an_alarm(2)), alarm_entry(an_alarm(2, rev=2, closed=True), "closed")
    )
    async with house.delivering(broker.address, hold_closed="0s"):
        async with an_ear(broker.address) as ear:
            await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics())
        await broker.vanish()
        await house.until(lambda: "broker.lost" in house.kinds())
        await broker.come_back()
        await house.until(lambda: "broker.found" in house.kinds())
        async with an_ear(broker.address) as ear:
            await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics() and A1 in ear.topics())
            summary = json.loads(ear.payloads(f"{BASE}/summary/courthouse")[-1])["data"]
            assert summary["open"] == [{"alarm_id": "A1", "rev": 1}]
            assert json.loads(ear.payloads(f"{BASE}/status")[-1])["data"]["state"] == "online"
            assert not any(one.payload for one in ear.received if one.topic == f"{BASE}/alarm/courthouse/A2")
    assert house.kinds().count("broker.lost") == 1
    assert house.kinds().count("broker.found") == 1


async def test_a_closed_alarm_is_held_and_then_emptied(house: House, broker: EmbeddedBroker) -> None:
    clock = ManualClock(START)
    house.clock = clock
    async with (
        house.delivering(broker.address, stations=NOBODY_ANSWERS, hold_closed="60s"),
        an_ear(broker.address) as ear,
    ):
        await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics())
        await house.append(alarm_entry(an_alarm()), alarm_entry(an_alarm(rev=2, closed=True), "closed"))
        await ear.until(lambda: len(ear.payloads(f"{BASE}/stream/courthouse/alarm")) == 4)
        await ear.until(lambda: len(ear.payloads(A1)) == 2)
        await clock.advance(59)
        assert b"" not in ear.payloads(A1)
        await clock.advance(2)
        await ear.until(lambda: ear.payloads(A1)[-1] == b"")


async def test_an_object_of_an_alarm_that_is_over_is_emptied(house: House, broker: EmbeddedBroker) -> None:
    ghost = f"{BASE}/alarm/courthouse/GHOST"
    async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="haunt")) as session:
        await session.publish(ghost, b'{"data": {"alarm_id": "GHOST"}}', retain=True)
    async with an_ear(broker.address) as ear, house.delivering(broker.address):
        await ear.until(lambda: b"" in ear.payloads(ghost))
        await house.append(alarm_entry(an_alarm()))
        await ear.until(lambda: A1 in ear.topics())
        assert b"" not in ear.payloads(A1)


async def test_the_daemons_death_is_told_by_the_will_and_its_stop_by_itself(
    house: House, broker: EmbeddedBroker
) -> None:
    status = f"{BASE}/status"
    async with an_ear(broker.address) as ear:
        async with house.delivering(broker.address):
            await ear.until(lambda: len(ear.payloads(status)) == 1)
        await ear.until(lambda: len(ear.payloads(status)) == 2)
        states = [json.loads(payload)["data"]["state"] for payload in ear.payloads(status)]
        assert states == ["online", "stopped"]


async def test_the_heartbeat_carries_how_far_everything_is(house: House, broker: EmbeddedBroker) -> None:
    clock = ManualClock(START)
    house.clock = clock
    heartbeat = f"{BASE}/heartbeat"
    async with an_ear(broker.address) as ear, house.delivering(broker.address, stations=NOBODY_ANSWERS):
        await ear.until(lambda: len(ear.payloads(heartbeat)) == 1)
        await house.append(*[door_entry(number) for number in range(7)])
        await ear.until(lambda: len(ear.payloads(f"{BASE}/stream/courthouse/event")) == 7)
        await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics())
        await clock.advance(10)
        await ear.until(lambda: len(ear.payloads(heartbeat)) == 2)
        body = json.loads(ear.payloads(heartbeat)[-1])["data"]
        assert body["high"] == {"alarm": 0, "event": 7, "health": 0}


async def test_a_lost_station_is_trouble_once_and_its_return_too(house: House, broker: EmbeddedBroker) -> None:
    async with house.delivering(broker.address) as delivery, a_station(broker.address) as station:
        await until(station, lambda: station.daemon_status.get("state") == "online")
        await station.vanish()
        await house.until(lambda: house.kinds() == ["station.lost"])
        assert delivery.status().stations == {"sheriff": "lost"}
        async with asyncio.timeout(LONG_S):
            await station.join()
        await house.until(lambda: house.kinds() == ["station.lost", "station.found"])
        assert delivery.status().stations == {"sheriff": "online"}


async def test_a_station_that_never_announced_itself_is_trouble(house: House, broker: EmbeddedBroker) -> None:
    clock = ManualClock(START)
    house.clock = clock
    async with an_ear(broker.address) as ear, house.delivering(broker.address):
        await ear.until(lambda: f"{BASE}/heartbeat" in ear.topics())
        await clock.advance(14)
        assert house.kinds() == []
        await clock.advance(2)
        assert house.kinds() == ["station.lost"]


async def test_s12_a_silent_alarm_is_on_no_display_topic_and_in_no_count_of_the_premises(
    house: House, broker: EmbeddedBroker
) -> None:
    async with an_ear(broker.address, "#") as ear, house.delivering(broker.address) as delivery:
        await ear.until(lambda: f"{BASE}/summary/courthouse" in ear.topics())
        before = delivery.status()
        await house.append(alarm_entry(an_alarm(silent=True)))
        await ear.until(lambda: A1 in ear.topics())
        assert [topic for topic in ear.topics() if "/display/" in topic] == []
        after = delivery.status()
        assert (after.sent, after.backlog, after.trouble) == (before.sent, before.backlog, before.trouble)


async def test_a_broker_that_is_away_is_trouble_once_for_the_whole_outage(house: House) -> None:
    clock = ManualClock(START)
    house.clock = clock
    async with house.delivering("mqtt://127.0.0.1:1") as delivery:
        await house.until(lambda: house.kinds() == ["broker.lost"])
        for _ in range(5):
            await clock.advance(40)
        assert house.kinds() == ["broker.lost"]
        assert not delivery.status().connected
        assert "cannot be reached" in delivery.status().trouble


async def test_messages_that_nobody_should_send_do_no_harm(house: House, broker: EmbeddedBroker) -> None:
    hostile = [b"", b"{", b"[" * 5000, b"\xff\xfe", b'{"data": 7}', b'{"data": {"state": 7}}', b"x" * 200_000]
    topics = [
        f"{BASE}/cmd/sheriff/ack",
        f"{BASE}/cmd/sheriff/receipt",
        f"{BASE}/cmd/nobody/ack",
        "secd/1/station/sheriff/status",
        "secd/1/station/nobody/status",
        f"{BASE}/alarm/courthouse/nothing",
    ]
    async with house.delivering(broker.address), a_station(broker.address) as station:
        await until(station, lambda: station.daemon_status.get("state") == "online")
        async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="foe")) as foe:
            for topic in topics:
                for payload in hostile:
                    await foe.publish(topic, payload)
        await house.append(alarm_entry(an_alarm()))
        await until(station, lambda: "A1" in station.ledger.alarms)
        await house.until(lambda: bool(house.given))
    assert "broker.lost" not in house.kinds()


async def test_an_express_alarm_leaves_while_the_store_cannot_be_read(
    house: House, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").mkdir()
    healthy = house.store
    house.store = await Store.open(
        tmp_path / "broken.db", site="courthouse", clock=house.clock, on_trouble=house.report, ballast_bytes=0
    )
    try:
        assert house.store.degraded
        async with house.delivering(broker.address) as delivery, a_station(broker.address) as station:
            delivery.express(an_alarm())
            await until(station, lambda: "A1" in station.ledger.alarms)
            reply = await station.acknowledge("A1")
            assert reply["accepted"] is True
    finally:
        await house.store.close()
        house.store = healthy
