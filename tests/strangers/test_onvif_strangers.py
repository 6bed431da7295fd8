"""ONVIF as others wrote it: two clients read our simulated camera, and our driver uses a camera we did not write.

Nothing installable serves ONVIF events, so the simulator's events are read by `onvif` (npm) and onvif-zeep-async (its own
sessions and subscription keeping, none of our driver), and the driver meets `ipycam` (PyPI), which has no events.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from simulators.onvif_camera import OnvifCamera

HERE = Path(__file__).parent
MOTION = {"topic": "tns1:RuleEngine/CellMotionDetector/Motion", "data": "IsMotion"}


@pytest.fixture
async def camera() -> AsyncIterator[OnvifCamera]:
    async with OnvifCamera() as camera:
        yield camera


@pytest.mark.needs("npm:onvif")
async def test_npm_onvif_reads_states_and_events_of_the_simulated_camera(camera: OnvifCamera) -> None:
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "onvif_events.js"), str(camera.port), "5", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            lines = [json.loads(await process.stdout.readline()) for _ in range(4)]
            camera.motion(on=True)
            lines.append(json.loads(await process.stdout.readline()))
            camera.motion(on=False)
            lines.append(json.loads(await process.stdout.readline()))
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert lines[0] == {"profiles": ["Profile0"]}
    assert {line["operation"] for line in lines[1:4]} == {"Initialized"}
    for line, on in zip(lines[4:], (True, False), strict=True):
        assert line["topic"] == MOTION["topic"]
        assert line["operation"] == "Changed"
        assert str(line["data"][MOTION["data"]]).lower() == str(on).lower()


async def test_onvif_zeep_async_reads_everything_of_the_simulated_camera(camera: OnvifCamera) -> None:
    from onvif.client import ONVIFCamera

    client = ONVIFCamera("127.0.0.1", camera.port, "secd", "camera-password", no_cache=True, adjust_time=True)
    camera.jump_clock(seconds=7200)
    try:
        async with asyncio.timeout(60):
            await client.update_xaddrs()
            device = await client.create_devicemgmt_service()
            assert (await device.GetDeviceInformation()).SerialNumber == "camera"
            assert (await device.GetHostname()).Name == "camera"
            assert len(await device.GetScopes()) == 4
            media = await client.create_media_service()
            (profile,) = await media.GetProfiles()
            assert (await media.GetVideoSources())[0].token == "VideoSource0"
            stream = {
                "StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}},
                "ProfileToken": profile.token,
            }
            assert (await media.GetStreamUri(stream)).Uri.startswith("rtsp://")
            picture = await client.get_snapshot(profile.token)
            assert picture is not None
            assert picture.startswith(b"\xff\xd8\xff")
            assert (await (await client.create_events_service()).GetEventProperties()).FixedTopicSet
            await _read_events(client, camera)
            await device.SystemReboot()
    finally:
        await client.close()


async def _read_events(client: Any, camera: OnvifCamera) -> None:
    manager = await client.create_pullpoint_manager(timedelta(seconds=60), lambda: None)
    pull_point = manager.get_service()
    await manager.set_synchronization_point()
    states = await pull_point.PullMessages({"MessageLimit": 100, "Timeout": timedelta(seconds=5)})
    assert len(states.NotificationMessage) == 6
    camera.motion(on=True)
    events = await pull_point.PullMessages({"MessageLimit": 100, "Timeout": timedelta(seconds=5)})
    (message,) = events.NotificationMessage
    assert message.Topic._value_1 == MOTION["topic"]
    assert message.Message._value_1.PropertyOperation == "Changed"
    assert [(item.Name, item.Value) for item in message.Message._value_1.Data.SimpleItem] == [(MOTION["data"], "true")]
    await manager.shutdown()
    assert camera.pull_points == ()


def _alone() -> list[str]:
    """What to put before a command to run it in a network of its own; nothing where the kernel forbids it."""
    if shutil.which("unshare") and shutil.which("ip"):
        command = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return []


async def _watch_ipycam(how: str, directory: Path) -> Any:
    process = await asyncio.create_subprocess_exec(
        *_alone(),
        sys.executable,
        str(HERE / "onvif_ipycam.py"),
        how,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(HERE.parents[1]), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            return json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.needs("python:ipycam")
async def test_a_camera_without_events_is_up_and_gives_pictures(tmp_path: Path) -> None:
    said = await _watch_ipycam("open", tmp_path)
    assert said["right"] == {"told": ["no_events"], "up": [True], "done": True, "detail": "", "starts": "ffd8ff"}


@pytest.mark.needs("python:ipycam")
async def test_its_login_is_met_and_a_password_is_never_sent_in_the_clear_for_a_picture(tmp_path: Path) -> None:
    said = await _watch_ipycam("locked", tmp_path)
    assert said["right"]["up"] == [True]
    assert not said["right"]["done"]
    assert "does not accept our login (HTTP 401" in said["right"]["detail"]
    assert said["wrong"] == {"ended": "Refused"}
