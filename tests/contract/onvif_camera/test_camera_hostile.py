"""A camera is hostile input: whatever it sends, memory stays small, the error names who must act, and secd goes on."""

import asyncio
import tracemalloc

import pytest

from secd.drivers.onvif_camera.bounds import PICTURE_BYTES_MAX
from secd.model.errors import LinkLost, PeerViolation
from simulators.onvif_camera import Hostility, OnvifCamera

MEMORY_BYTES_MAX = 40 * 1024 * 1024
"""Simulator and driver together; what the camera sends unpacks to 256 MiB and more."""
GONE = {Hostility.SLOW_DRIP, Hostility.DROP, Hostility.CUT_SHORT, Hostility.SILENCE}


def family(how: Hostility) -> type[Exception]:
    return LinkLost if how in GONE else PeerViolation


@pytest.fixture
def bounded_memory():
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY_BYTES_MAX


@pytest.mark.parametrize("how", list(Hostility))
@pytest.mark.usefixtures("bounded_memory")
async def test_a_hostile_answer_to_the_first_request_ends_the_link_in_the_right_family(camera, connect, how):
    camera.misbehave(how=how)
    async with connect(camera.address) as link:
        error = await link.ended()
        assert isinstance(error, family(how))
        assert link.seen == []
        camera.behave()
        link.start()
        await link.up()


@pytest.mark.parametrize("how", list(Hostility))
@pytest.mark.usefixtures("bounded_memory")
async def test_a_hostile_answer_to_a_pull_ends_the_link_in_the_right_family(camera, link, how):
    camera.misbehave(how=how, operation="PullMessages")
    error = await link.ended()
    assert isinstance(error, family(how))
    camera.behave()
    before = len(link.seen)
    link.start()
    await link.saw("motion", active=False, initial=True, after=before)


@pytest.mark.parametrize("how", list(Hostility))
@pytest.mark.usefixtures("bounded_memory")
async def test_a_hostile_picture_fails_its_order_and_leaves_the_link_up(camera, link, how):
    camera.misbehave(how=how, operation="GET")
    outcome = await link.picture()
    assert not outcome.done
    assert outcome.picture is None
    assert outcome.detail
    camera.motion(on=True)
    await link.saw("motion", active=True)
    camera.behave()
    assert (await link.picture()).done


@pytest.mark.parametrize("operation", ["GetDeviceInformation", "GetServices", "CreatePullPointSubscription"])
@pytest.mark.parametrize("how", [Hostility.HTML, Hostility.WRONG_REPLY, Hostility.DEEP, Hostility.DROP])
async def test_a_hostile_answer_to_any_step_of_greeting_ends_the_link(camera, connect, how, operation):
    camera.misbehave(how=how, operation=operation)
    async with connect(camera.address) as link:
        assert isinstance(await link.ended(), family(how))


async def test_a_redirect_to_another_host_is_never_followed(camera, connect):
    async with OnvifCamera() as other:
        camera.misbehave(how=Hostility.REDIRECT, elsewhere=other.address + "/onvif/device_service")
        async with connect(camera.address) as link:
            await link.ended()
        assert not other.calls


async def test_a_picture_larger_than_eight_mebibytes_is_refused(camera, link):
    camera.misbehave(how=Hostility.ENDLESS, operation="GET")
    outcome = await link.picture()
    assert outcome.detail == f"the camera sent more than {PICTURE_BYTES_MAX} bytes"


async def test_a_camera_that_loses_every_pull_point_at_once_is_left_to_the_back_off(camera, link):
    async def lose() -> None:
        while True:
            await camera.called("PullMessages", camera.calls["PullMessages"] + 1)
            camera.forget_pull_points()

    losing = asyncio.create_task(lose())
    error = await link.ended()
    losing.cancel()
    assert isinstance(error, LinkLost | PeerViolation)
    assert camera.calls["CreatePullPointSubscription"] <= 6
