"""The broker that sites use: Mosquitto, its access list, its passwords, its own subscriber."""

import asyncio
import getpass
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from secd.delivery.mqtt import MqttDelivery, MqttSettings
from secd.delivery.ports import SiteNames
from secd.drivers.mqtt_buttons import FAMILY, MqttButtonsSettings
from secd.drivers.protocol import Driver
from secd.model.alarm import Acknowledgement, Alarm, AlarmMode, Condition
from secd.model.entry import Answer, Entry, Verdict
from secd.model.errors import LinkLost, Refused
from secd.model.event import Event
from secd.model.facts import AlarmMoved, CommandGiven, DeviceTold, InputState, PanicPressed, PointChanged, Trouble
from secd.model.names import AlarmId, DeviceId, Digest, EventId, RuleId
from secd.model.observation import Observation
from secd.model.secret import Secret
from secd.runtime.clock import SystemClock
from secd.runtime.mqtt import BrokerAddress, Dial, open_session
from secd.runtime.supervisor import Supervisor
from secd.store.store import Store
from simulators.broker import free_port
from simulators.monitoring_station import MonitoringStation

pytestmark = pytest.mark.needs("mosquitto", "mosquitto_sub", "mosquitto_passwd")
LONG_S = 15.0
PASSWORD = Secret("s3cret")
NOW = datetime(2026, 11, 21, 17, 59, 4, tzinfo=UTC)


class Mosquitto:
    """One Mosquitto of ours on a loopback port, with our users and access list; ended by its own process."""

    def __init__(self, directory: Path, acl: str = "", *, tls: bool = False) -> None:
        self.directory = directory
        self.acl = acl
        self.tls = tls
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"mqtts://localhost:{self.port}" if self.tls else f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.port = self.port or free_port()
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", f"user {getpass.getuser()}"]
        if self.acl:
            users = self.directory / "users"
            acl = self.directory / "acl"
            acl.write_text(self.acl)
            await asyncio.to_thread(self._write_users, users)
            lines += ["allow_anonymous false", f"password_file {users}", f"acl_file {acl}"]
        else:
            lines += ["allow_anonymous true"]
        if self.tls:
            write_certificates(self.directory)
            lines += [f"certfile {self.directory / 'server.pem'}", f"keyfile {self.directory / 'server.key'}"]
        conf = self.directory / "mosquitto.conf"
        conf.write_text("\n".join(lines) + "\n")
        self._process = await asyncio.create_subprocess_exec(
            "mosquitto", "-c", str(conf), stdout=subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        await self._until_it_listens()

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            async with asyncio.timeout(LONG_S):
                await process.communicate()

    def _write_users(self, users: Path) -> None:
        users.write_text("")
        for name in ("secd", "station"):
            subprocess.run(
                ["mosquitto_passwd", "-b", str(users), name, PASSWORD.reveal()], check=True, capture_output=True
            )

    async def _until_it_listens(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async with asyncio.timeout(LONG_S):
            while b" running" not in (line := await self._process.stderr.readline()):
                assert line, "mosquitto ended while starting"


@asynccontextmanager
async def mosquitto(directory: Path, acl: str = "", *, tls: bool = False) -> AsyncIterator[Mosquitto]:
    home = directory / "broker"
    home.mkdir()
    broker = Mosquitto(home, acl, tls=tls)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def write_certificates(directory: Path) -> None:
    """A CA of our own and a certificate of it for localhost."""
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, server_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("test CA", "localhost")
    )
    now = datetime.now(UTC)

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )

    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(certificate(ca_name, ca_key, is_ca=True).public_bytes(pem))
    (directory / "server.pem").write_bytes(certificate(server_name, server_key, is_ca=False).public_bytes(pem))
    (directory / "server.key").write_bytes(
        server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Ears:
    """Troubles, observations and commands, as they come."""

    def __init__(self) -> None:
        self.troubles: list[tuple[str, Trouble]] = []
        self.observations: list[Observation] = []
        self.given: list[CommandGiven] = []
        self._more = asyncio.Event()

    def trouble(self, kind: str, trouble: Trouble) -> None:
        self.troubles.append((kind, trouble))
        self._more.set()

    def observe(self, observation: Observation) -> None:
        self.observations.append(observation)
        self._more.set()

    async def submit(self, command: CommandGiven, author: str) -> Answer:
        self.given.append(command)
        self._more.set()
        return Answer(done=True)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.troubles]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG_S):
            while not holds():
                self._more.clear()
                await self._more.wait()


def an_alarm(rev: int = 1, *, closed: bool = False) -> Entry:
    alarm = Alarm(
        id=AlarmId("A1"), rev=rev, kind="panic", rule=RuleId("desk-panic"), point="probation-desk", label="Desk",
        area=None, priority=1, silent=False, latched=True, condition=Condition.ACTIVE, ack=Acknowledgement.UNACKED,
        mode=AlarmMode.SIMULATED, occurrences=1, occurred=NOW, detected=NOW, last=NOW, cause=EventId("E"), closed=closed,
    )  # fmt: skip
    at = SystemClock().now()
    pressed = Event(
        id=EventId(f"E{rev}"), kind="panic.activated", subject="probation-desk", area=None, source="panic-panel",
        occurred=NOW, detected=at, fact=PointChanged(point="input/3", state=InputState.ACTIVE),
    )  # fmt: skip
    step = Event(
        id=EventId(f"E{rev}.1"), kind="alarm.closed" if closed else "alarm.raised", subject="alarm/A1", area=None,
        source="secd", occurred=NOW, detected=at, cause=pressed.id,
        fact=AlarmMoved(alarm=alarm.id, rev=rev, transition="closed" if closed else "raised"),
    )  # fmt: skip
    return Entry(event=pressed, verdict=Verdict(findings=(step,), alarms=(alarm,)), policy=Digest("0" * 64))


@asynccontextmanager
async def a_store(directory: Path, ears: Ears) -> AsyncIterator[Store]:
    store = await Store.open(
        directory / "log.db", site="courthouse", clock=SystemClock(), on_trouble=ears.trouble, ballast_bytes=0
    )
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def delivering(
    broker: Mosquitto, store: Store, ears: Ears, password: Secret = PASSWORD
) -> AsyncIterator[MqttDelivery]:
    written: dict[str, object] = {"broker": broker.address, "stations": {"sheriff": {"receipt": "none"}}}
    if broker.acl:
        written["login"] = {"username": "secd", "password": {"file": "secrets/mqtt-password"}}
    clock = SystemClock()
    delivery = MqttDelivery(
        MqttSettings.model_validate(written),
        SiteNames(instance="county-a", site="courthouse", mode=AlarmMode.SIMULATED),
        reader=store,
        submit=ears.submit,
        report_trouble=ears.trouble,
        clock=clock,
        supervisor=Supervisor(clock),
        password=password if broker.acl else None,
    )
    task = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def subscriber(broker: Mosquitto, topic: str) -> AsyncIterator[asyncio.StreamReader]:
    """mosquitto_sub, one line of topic and payload for each message."""
    login = ["-u", "station", "-P", PASSWORD.reveal()] if broker.acl else []
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5", "-q", "1", *login, "-t", topic]
    process = await asyncio.create_subprocess_exec(*command, "-F", "%t %p", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.terminate()
        async with asyncio.timeout(LONG_S):
            await process.communicate()


async def next_on(lines: asyncio.StreamReader, part: str) -> dict[str, object]:
    async with asyncio.timeout(LONG_S):
        while True:
            topic, _, payload = (await lines.readline()).decode().partition(" ")
            if part in topic and payload.strip():
                message: dict[str, object] = json.loads(payload)
                return message


def new_driver(settings: MqttButtonsSettings) -> Driver:
    return FAMILY.build(DeviceId("wireless-buttons"), settings, SystemClock(), lambda ref: Secret(""))


async def test_mosquittos_own_subscriber_sees_the_alarm(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker, a_store(tmp_path, ears) as store, delivering(broker, store, ears):
        await store.append(an_alarm())
        async with subscriber(broker, "secd/1/county-a/alarm/#") as lines:
            message = await next_on(lines, "/alarm/courthouse/A1")
        assert message["type"] == "secd.alarm.object.v1"
        assert message["mode"] == "simulated"


async def test_the_journal_reaches_mosquittos_own_subscriber_in_order(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker, a_store(tmp_path, ears) as store:
        await store.append(an_alarm())
        await store.append(an_alarm(2, closed=True))
        async with subscriber(broker, "secd/1/county-a/#") as lines, delivering(broker, store, ears):
            rows = [await next_on(lines, "/stream/courthouse/alarm") for _ in range(4)]
        assert [row["sequence"] for row in rows] == [f"{number:020d}" for number in (1, 2, 3, 4)]
        assert [row["type"] for row in rows][::2] == ["secd.panic.activated.v1"] * 2


async def test_a_topic_that_the_access_list_denies_is_trouble_and_blocks_only_itself(tmp_path: Path) -> None:
    acl = (
        "user secd\ntopic readwrite secd/1/county-a/#\ntopic deny secd/1/county-a/stream/courthouse/event\n"
        "topic read secd/1/station/#\nuser station\ntopic read secd/1/county-a/#\n"
    )
    door = Event(
        id=EventId("D1"), kind="door.opened", subject="east-entrance", area=None, source="public-board", occurred=NOW,
        detected=SystemClock().now(), fact=PointChanged(point="input/3", state=InputState.ACTIVE),
    )  # fmt: skip
    ears = Ears()
    async with mosquitto(tmp_path, acl) as broker, a_store(tmp_path, ears) as store:
        await store.append(Entry(event=door, verdict=Verdict(), policy=Digest("0" * 64)))
        await store.append(an_alarm())
        async with subscriber(broker, "secd/1/county-a/#") as lines, delivering(broker, store, ears) as delivery:
            await next_on(lines, "/stream/courthouse/alarm")
            await ears.until(lambda: bool(ears.troubles))
            assert ears.kinds() == ["broker.refused"]
            assert ears.troubles[0][1].where == "secd/1/county-a/stream/courthouse/event"
            assert delivery.status().backlog == {"event": 1, "health": 0}
            assert delivery.status().connected


async def test_a_wrong_password_is_refused_and_told_once(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path, "user secd\ntopic readwrite #\n") as broker, a_store(tmp_path, ears) as store:
        dial = Dial(
            address=BrokerAddress.parse(broker.address), client_id="x", username="secd", password=Secret("wrong")
        )
        with pytest.raises(Refused, match="secd"):
            async with open_session(dial):
                raise AssertionError("let in with a wrong password")
        async with delivering(broker, store, ears, password=Secret("wrong")):
            await ears.until(lambda: bool(ears.troubles))
        assert ears.kinds() == ["broker.refused"]
        assert "mqtt.login" in ears.troubles[0][1].remedy


async def test_a_mosquitto_that_comes_back_without_memory_is_told_every_open_alarm(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker, a_store(tmp_path, ears) as store, delivering(broker, store, ears):
        await store.append(an_alarm())
        async with subscriber(broker, "secd/1/county-a/alarm/#") as lines:
            await next_on(lines, "/alarm/courthouse/A1")
        await broker.stop()
        await ears.until(lambda: "broker.lost" in ears.kinds())
        await broker.start()
        await ears.until(lambda: "broker.found" in ears.kinds())
        async with subscriber(broker, "secd/1/county-a/alarm/#") as lines:
            await next_on(lines, "/alarm/courthouse/A1")
        assert ears.kinds().count("broker.lost") == 1


async def test_a_command_that_asks_to_be_retained_is_refused(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker, a_store(tmp_path, ears) as store, delivering(broker, store, ears):
        await store.append(an_alarm())
        station = MonitoringStation(broker=broker.address, instance="county-a", site="courthouse", send_receipts=False)
        async with station, asyncio.timeout(LONG_S):
            await station.until_connected()
            await station.until(lambda: "A1" in station.ledger.alarms)
            reply = await station.command("ack", {"alarm_id": "A1", "rev": 1}, retain=True)
        assert (reply["accepted"], reply["code"]) == (False, "retained")
        assert ears.given == []


async def test_a_forged_alarm_object_is_emptied_at_once(tmp_path: Path) -> None:
    ears = Ears()
    forged = "secd/1/county-a/alarm/courthouse/FORGED"
    async with (
        mosquitto(tmp_path) as broker,
        a_store(tmp_path, ears) as store,
        delivering(broker, store, ears),
        open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="foe")) as foe,
    ):
        await foe.subscribe("secd/1/county-a/#")
        async with asyncio.timeout(LONG_S):
            while not (await foe.receive()).topic.endswith("/summary/courthouse"):
                continue
            await store.append(an_alarm())
            while "/alarm/courthouse/A1" not in (await foe.receive()).topic:
                continue
            await foe.publish(forged, b'{"data": {"alarm_id": "FORGED"}}', retain=True)
            seen = []
            while b"" not in seen:
                received = await foe.receive()
                if received.topic == forged:
                    seen.append(received.payload)


async def test_two_clients_with_one_id_throw_each_other_off(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        dial = Dial(address=BrokerAddress.parse(broker.address), client_id="same")

        async def be_thrown_off() -> None:
            async with open_session(dial) as first, open_session(dial), asyncio.timeout(LONG_S):
                await first.lost()

        with pytest.raises(LinkLost):
            await be_thrown_off()


async def test_nobody_subscribing_is_told_by_mosquitto(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="x")) as session:
            puback = await session.publish("nobody/listens", b"x")
        assert puback.unheard
        assert not puback.denied


async def test_s15_presses_over_mosquitto_queued_retained_and_repeated(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker:
        written = {"driver": "mqtt_buttons", "broker": broker.address, "topic": "buttons/courthouse"}
        settings = MqttButtonsSettings.model_validate(written)

        def dies(observation: Observation) -> None:
            if isinstance(observation.fact, PanicPressed):
                raise LinkLost("the process dies before it latched the press")
            ears.observe(observation)

        first = asyncio.create_task(new_driver(settings).run(dies, lambda: None))
        await ears.until(lambda: bool(ears.observations))
        async with open_session(Dial(address=BrokerAddress.parse(broker.address), client_id="radio")) as radio:
            await radio.publish("buttons/courthouse/badge-1/press", b'{"press": "help", "press_id": "p1"}')
            await radio.publish("buttons/courthouse/badge-2/press", b'{"press": "help", "press_id": "p2"}', retain=True)
        with pytest.raises(LinkLost, match="dies"):
            await first
        ears.observations.clear()
        second = asyncio.create_task(new_driver(settings).run(ears.observe, lambda: None))
        try:
            await ears.until(lambda: any(isinstance(one.fact, DeviceTold) for one in ears.observations))
            await ears.until(lambda: sum(isinstance(one.fact, PanicPressed) for one in ears.observations) == 2)
        finally:
            second.cancel()
            await asyncio.wait({second})
        pressed = {one.fact.point: one.fact for one in ears.observations if isinstance(one.fact, PanicPressed)}
        assert set(pressed) == {"button/badge-1", "button/badge-2"}
        assert pressed["button/badge-1"].queued
        assert [one.fact.what for one in ears.observations if isinstance(one.fact, DeviceTold)] == ["retained_press"]


async def test_a_broker_with_a_certificate_of_our_ca_is_trusted_and_any_other_refused(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, tls=True) as broker:
        address = BrokerAddress.parse(broker.address)
        ca = str(broker.directory / "ca.pem")
        async with open_session(Dial(address=address, client_id="x", ca_path=ca)) as session:
            await session.subscribe("big")
            await session.publish("big", b"x" * 100_000)
            async with asyncio.timeout(LONG_S):
                assert len((await session.receive()).payload) == 100_000
        with pytest.raises(Refused, match="certificate"):
            async with open_session(Dial(address=address, client_id="x")):
                raise AssertionError("trusted a stranger")
        plain = BrokerAddress(host="localhost", port=broker.port, tls=False)
        with pytest.raises(LinkLost):
            async with open_session(Dial(address=plain, client_id="x", connect_s_max=1.0)):
                raise AssertionError("spoke in the clear to a TLS port")


async def test_a_window_smaller_than_ours_is_kept_and_a_thousand_events_arrive_in_order(tmp_path: Path) -> None:
    ears = Ears()
    async with mosquitto(tmp_path) as broker, a_store(tmp_path, ears) as store:
        opened = PointChanged(point="input/3", state=InputState.ACTIVE)
        doors = [
            Event(
                id=EventId(f"D{number}"), kind="door.opened", subject="east-entrance", area=None, source="public-board",
                occurred=NOW, detected=SystemClock().now(), fact=opened,
            )
            for number in range(1000)
        ]  # fmt: skip
        await asyncio.gather(
            *[store.append(Entry(event=door, verdict=Verdict(), policy=Digest("0" * 64))) for door in doors]
        )
        async with subscriber(broker, "secd/1/county-a/#") as lines, delivering(broker, store, ears):
            rows = [await next_on(lines, "/stream/courthouse/event") for _ in range(1000)]
        assert [int(str(row["sequence"])) for row in rows] == list(range(1, 1001))
        assert ears.troubles == []
