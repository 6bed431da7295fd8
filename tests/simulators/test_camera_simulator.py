"""The simulated camera keeps the rules of a real one: logins, faults, limits, ends; and the control interface drives it."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from lxml import etree

from simulators.control import Control, ControlError
from simulators.faults import SimulatedClock
from simulators.onvif_camera import OnvifCamera
from simulators.onvif_camera.events import QUEUED_MAX
from simulators.onvif_camera.soap import NAMESPACES, SoapFault, date_time, parse_duration_s

NONCE = b"sixteen byte nce"
PASSWORD = "camera-password"


class Bench:
    """A camera, a clock in the test's hand, and a bare HTTP session."""

    def __init__(self, camera: OnvifCamera, session: aiohttp.ClientSession) -> None:
        self.camera = camera
        self.session = session
        self.nonces = 0

    def token(self, *, nonce: bytes = b"", password: str = PASSWORD, off_s: float = 0.0) -> str:
        self.nonces += 1
        nonce = nonce or f"nonce number {self.nonces}".encode()
        created = date_time(self.camera.clock.utc() + timedelta(seconds=off_s))
        digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()  # noqa: S324
        kind = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
        return (
            f'<wsse:Security><wsse:UsernameToken><wsse:Username>secd</wsse:Username><wsse:Password Type="{kind}">{digest}'
            f"</wsse:Password><wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce><wsu:Created>{created}</wsu:Created>"
            "</wsse:UsernameToken></wsse:Security>"
        )

    async def ask(
        self, body: str, *, path: str = "/onvif/device_service", header: str | None = None
    ) -> tuple[int, etree._Element]:
        declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
        header = self.token() if header is None else header
        envelope = f"<s:Envelope {declared}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        return await self.post(envelope.encode(), path)

    async def post(self, body: bytes, path: str = "/onvif/device_service") -> tuple[int, etree._Element]:
        async with self.session.post(self.camera.address + path, data=body) as response:
            text = await response.read()
            return response.status, etree.fromstring(text) if text.startswith(b"<?xml") else etree.Element("none")

    async def pull_point(self, life: str = "PT60S") -> str:
        status, reply = await self.ask(
            f"<tev:CreatePullPointSubscription><tev:InitialTerminationTime>{life}</tev:InitialTerminationTime></tev:CreatePullPointSubscription>",
            path="/onvif/event_service",
        )
        assert status == 200, subcodes(reply)
        return str(reply.findtext(".//wsa:Address", namespaces=NAMESPACES)).removeprefix(self.camera.address)

    async def pull(self, path: str, *, limit: int = 100, timeout: str = "PT0S") -> tuple[int, etree._Element]:
        arguments = f"<tev:Timeout>{timeout}</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"
        return await self.ask(f"<tev:PullMessages>{arguments}</tev:PullMessages>", path=path)


def subcodes(reply: etree._Element) -> list[str]:
    return [one.text or "" for one in reply.iterfind(".//s:Subcode/s:Value", NAMESPACES)]


def operations(reply: etree._Element) -> list[str]:
    return [str(one.get("PropertyOperation")) for one in reply.iterfind(".//tt:Message", NAMESPACES)]


@pytest.fixture
def second() -> list[float]:
    """The camera's steady second, in a box."""
    return [1_000_000_000.0]


@pytest.fixture
async def bench(second: list[float]) -> AsyncIterator[Bench]:
    clock = SimulatedClock(wall=lambda: second[0], monotonic=lambda: second[0])
    async with OnvifCamera(clock=clock, pull_points_max=2) as camera, aiohttp.ClientSession() as session:
        yield Bench(camera, session)


async def test_the_clock_needs_no_login_and_the_serial_number_does(bench: Bench) -> None:
    assert (await bench.ask("<tds:GetSystemDateAndTime/>", header=""))[0] == 200
    assert (await bench.ask("<tds:GetDeviceInformation/>", header=""))[0] == 401
    assert (await bench.ask("<tds:GetDeviceInformation/>"))[0] == 200


@pytest.mark.parametrize("off_s", [-61.0, 61.0])
async def test_a_token_of_another_time_is_refused(bench: Bench, off_s: float) -> None:
    status, reply = await bench.ask("<tds:GetScopes/>", header=bench.token(off_s=off_s))
    assert (status, subcodes(reply)) == (400, ["ter:NotAuthorized"])
    assert (await bench.ask("<tds:GetScopes/>", header=bench.token(off_s=off_s * 0.9)))[0] == 200


async def test_a_replayed_token_and_a_wrong_password_are_refused(bench: Bench) -> None:
    token = bench.token(nonce=NONCE)
    assert (await bench.ask("<tds:GetScopes/>", header=token))[0] == 200
    assert (await bench.ask("<tds:GetScopes/>", header=token))[0] == 400
    assert (await bench.ask("<tds:GetScopes/>", header=bench.token(nonce=NONCE)))[0] == 400
    assert (await bench.ask("<tds:GetScopes/>", header=bench.token(password="x")))[0] == 400


async def test_an_unknown_operation_and_bad_xml_are_faults(bench: Bench) -> None:
    status, reply = await bench.ask("<tds:SetHostname/>")
    assert (status, subcodes(reply)) == (500, ["ter:ActionNotSupported"])
    for body in (b"<", b"", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'):
        status, reply = await bench.post(body)
        assert status == 400
        assert reply.find(".//s:Fault", NAMESPACES) is not None


async def test_a_pull_point_first_tells_the_states_then_the_changes_in_order(bench: Bench) -> None:
    path = await bench.pull_point()
    assert operations((await bench.pull(path, limit=2))[1]) == ["Initialized"] * 2
    bench.camera.motion(on=True)
    bench.camera.motion(on=True)
    bench.camera.motion(on=False)
    assert operations((await bench.pull(path))[1]) == ["Initialized", "Changed", "Changed"]
    assert operations((await bench.pull(path))[1]) == []
    await bench.ask("<tev:SetSynchronizationPoint/>", path=path)
    assert operations((await bench.pull(path))[1]) == ["Initialized"] * 3


async def test_a_waiting_pull_is_answered_as_soon_as_something_happens(bench: Bench) -> None:
    path = await bench.pull_point()
    await bench.pull(path)
    waiting = asyncio.create_task(bench.pull(path, timeout="PT60S"))
    async with asyncio.timeout(20):
        await bench.camera.called("PullMessages", 2)
        bench.camera.digital_input(on=True)
        assert operations((await waiting)[1]) == ["Changed"]


async def test_a_pull_point_ends_unless_renewed(bench: Bench, second: list[float]) -> None:
    path = await bench.pull_point("PT60S")
    second[0] += 50
    renew = "<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>"
    assert (await bench.ask(renew, path=path))[0] == 200
    second[0] += 50
    assert (await bench.pull(path))[0] == 200
    second[0] += 11
    status, reply = await bench.pull(path)
    assert (status, subcodes(reply)) == (400, ["ter:InvalidArgVal", "wsrfr:ResourceUnknownFault"])
    assert bench.camera.pull_points == ()


async def test_there_are_only_so_many_pull_points_and_unsubscribing_frees_one(bench: Bench) -> None:
    path = await bench.pull_point()
    await bench.pull_point()
    create = "<tev:CreatePullPointSubscription/>"
    status, reply = await bench.ask(create, path="/onvif/event_service")
    assert (status, subcodes(reply)) == (500, ["ter:Action", "wsnt:SubscribeCreationFailedFault"])
    assert (await bench.ask("<wsnt:Unsubscribe/>", path=path))[0] == 200
    await bench.pull_point()


async def test_a_pull_point_nobody_reads_loses_the_oldest_and_no_memory(bench: Bench) -> None:
    path = await bench.pull_point()
    for n in range(QUEUED_MAX):
        bench.camera.motion(on=n % 2 == 0)
    said = operations((await bench.pull(path))[1]) + operations((await bench.pull(path))[1])
    assert said == ["Changed"] * QUEUED_MAX


async def test_a_reboot_ends_every_pull_point(bench: Bench) -> None:
    path = await bench.pull_point()
    bench.camera.reboot()
    assert bench.camera.pull_points == ()
    async with aiohttp.ClientSession() as bench.session:
        assert (await bench.pull(path))[0] == 400


@pytest.mark.parametrize(("text", "seconds"), [("PT0S", 0), ("PT1M", 60), ("P1DT2H", 93_600), ("PT0.5S", 0.5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1S", "PT-1S", "P1Y", "PT1e9S"])
def test_what_is_no_duration_is_a_fault(text: str) -> None:
    with pytest.raises(SoapFault):
        parse_duration_s(text)


async def test_the_control_interface_drives_the_camera_and_shows_its_state() -> None:
    async with OnvifCamera(name="east-cam") as camera:
        control = Control([camera])
        await control.do("east-cam", "motion", {"on": True})
        await control.do("east-cam", "jump_clock", {"seconds": 3600})
        await control.do("east-cam", "misbehave", {"how": "gzip_bomb", "operation": "PullMessages"})
        state = control.state()["east-cam"]
        assert state["properties"]["RuleEngine/CellMotionDetector/Motion(Motion)"] is True
        assert state["misbehaves"] == "gzip_bomb"
        assert set(control.describe()["east-cam"]) == set(camera.actions())
        with pytest.raises(ControlError):
            await control.do("east-cam", "misbehave", {"how": "politely"})
        with pytest.raises(ControlError):
            await control.do("east-cam", "digital_input", {"token": "none"})
