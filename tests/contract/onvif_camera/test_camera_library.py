"""The SOAP library is held on a short lead: no session, cache, log or clock of its own, and no reply it cannot survive."""

import asyncio
import json
import logging
import random
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from secd.drivers.onvif_camera.announced import Home, parse_origin
from secd.drivers.onvif_camera.library import load_client
from secd.drivers.onvif_camera.transport import CameraHttp
from secd.model.errors import Fault, LinkLost, PeerViolation, Refused
from secd.model.secret import Secret
from secd.runtime.clock import SystemClock
from simulators.onvif_camera import OnvifCamera, services
from simulators.onvif_camera.events import CELL_MOTION
from simulators.onvif_camera.soap import write_reply

CLIENT = load_client()
OURS = (LinkLost, Refused, PeerViolation, CLIENT.PullPointGone)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def client_of(camera_address, clock=None):
    origin = parse_origin(camera_address)
    http = CameraHttp(
        Home(origin=origin, resolved=frozenset({origin.host})), username="secd", password=Secret("camera-password")
    )
    client = CLIENT.CameraClient(
        http, origin, clock or SystemClock(), username="secd", password=Secret("camera-password"),
        pull_timeout_s=1.0, answer_timeout_s=5.0,
    )  # fmt: skip
    return http, client


async def test_every_service_speaks_through_our_session_only(camera):
    http, client = client_of(camera.address)
    try:
        await client.learn_clock()
        await client.identify()
        await client.find_services()
        pull_point = await client.create_pull_point(60.0)
        await client.picture()
        for service in (*client._services.values(), pull_point.pulling, pull_point.keeping):
            assert service._session.closed
            for soap in (service.zeep_client, service.zeep_client_authless):
                assert soap.transport is service.transport
                assert soap.transport.session is http.session
                assert soap.transport.cache is None
                assert (soap.settings.xml_huge_tree, soap.settings.forbid_dtd) == (False, True)
        with pytest.raises(Fault):
            await service.transport.get("http://127.0.0.1/")
        with pytest.raises(Fault):
            await service.transport.post("http://127.0.0.1/", "", {})
    finally:
        await http.close()


_CONNECT = """
import asyncio, json, logging, os, sys
from secd.drivers.onvif_camera import FAMILY, OnvifCameraSettings
from secd.model.facts import LinkChanged
from secd.model.secret import Secret
from secd.runtime.clock import SystemClock
before = sorted(name for name in sys.modules if name.split(".")[0] in {"onvif", "zeep", "lxml", "cv2", "aiohttp"})
async def main():
    up = asyncio.Event()
    settings = OnvifCameraSettings.model_validate({"driver": "onvif_camera", "address": sys.argv[1],
        "login": {"username": "secd", "password": {"environment": "X"}}})
    driver = FAMILY.build("cam", settings, SystemClock(), lambda ref: Secret("camera-password"))
    run = asyncio.create_task(driver.run(lambda o: up.set() if isinstance(o.fact, LinkChanged) else None, lambda: None))
    await asyncio.wait_for(up.wait(), 20)
    run.cancel()
    await asyncio.wait({run})
asyncio.run(main())
root = logging.getLogger()
print(json.dumps({"before": before, "handlers": len(root.handlers), "level": root.level}))
"""


async def test_a_link_leaves_the_home_directory_and_the_root_logger_alone_and_loads_the_library_late(camera, tmp_path):
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-W", "error", "-c", _CONNECT, camera.address],
        capture_output=True, text=True, check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"before": [], "handlers": 0, "level": logging.WARNING}
    assert list(tmp_path.iterdir()) == []


ADDRESSES = services.Addresses(
    device="http://127.0.0.1/d", media="http://127.0.0.1/m", events="http://127.0.0.1/e", snapshot="", stream=""
)


def pull_reply() -> bytes:
    return write_reply(services.pulled([CELL_MOTION.message("Changed", NOW, on=True)] * 2, NOW, NOW))


REPLIES = {
    "GetSystemDateAndTime": write_reply(services.system_date_and_time(NOW)),
    "GetDeviceInformation": write_reply(services.device_information("camera")),
    "GetServices": write_reply(services.services(ADDRESSES, events=True)),
    "CreatePullPointSubscription": write_reply(services.pull_point_reference("http://127.0.0.1/p", "7", NOW, NOW)),
    "PullMessages": pull_reply(),
}  # fmt: skip


def mutate(reply: bytes, seed: int) -> bytes:
    """A reply with elements dropped, doubled, emptied, renamed or moved, texts and attributes replaced."""
    chance = random.Random(seed)
    tree = etree.fromstring(reply)
    for _ in range(chance.randint(1, 4)):
        elements = [one for one in tree.iter() if one.getparent() is not None and one.getparent() is not tree]
        if not elements:
            break
        one = chance.choice(elements)
        match chance.randrange(7):
            case 0:
                one.getparent().remove(one)
            case 1:
                one.addnext(etree.fromstring(etree.tostring(one)))
            case 2:
                one.clear()
            case 3:
                one.tag = chance.choice([other.tag for other in elements] + ["{urn:x}Odd", "NoNamespace"])
            case 4:
                one.text = chance.choice(
                    ["", "x", "-1", "99999999999999999999", "1e400", "NaN", "\u00e9", "2026-13-45T99:99:99Z", "PT"]
                )
            case 5:
                for name in one.attrib:
                    one.set(name, chance.choice(["", "x", "true", "-1"]))
            case _:
                chance.choice(elements).append(etree.fromstring(etree.tostring(one)))
    return etree.tostring(tree)


@given(operation=st.sampled_from(sorted(REPLIES)), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_twisted_reply_is_read_or_ends_in_one_of_our_families(operation, seed):
    asyncio.run(_ask(operation, mutate(REPLIES[operation], seed)))


async def _ask(operation: str, reply: bytes) -> None:
    async with asyncio.timeout(20), OnvifCamera() as camera:
        camera.answer_with(reply, operation=operation)
        http, client = client_of(camera.address)
        try:
            await client.learn_clock()
            await client.identify()
            await client.find_services()
            pull_point = await client.create_pull_point(60.0) if client.tells_events else None
            if pull_point is not None:
                await client.pull(pull_point, timeout_s=1.0)
        except OURS:
            return
        finally:
            await http.close()
