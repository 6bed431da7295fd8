"""A picture is one whole JPEG, fetched in time or not at all."""

import pytest

from secd.model.errors import LinkLost
from secd.model.names import DeviceId, OrderId
from secd.model.order import DeviceOrder, PulseOutput


async def test_an_ordered_picture_is_a_jpeg(link):
    outcome = await link.picture()
    assert outcome.done
    assert outcome.order == "order-1"
    assert outcome.picture is not None
    assert outcome.picture.startswith(b"\xff\xd8\xff")
    assert outcome.picture.rstrip(b"\0").endswith(b"\xff\xd9")


async def test_a_late_order_asks_for_nothing(camera, link):
    outcome = await link.picture(within_s=-0.001)
    assert not outcome.done
    assert "too late" in outcome.detail
    assert camera.calls["GET"] == 0


async def test_an_order_on_a_link_that_is_down_raises_link_lost(camera, link):
    await link.stop()
    with pytest.raises(LinkLost):
        await link.picture()


async def test_a_camera_refuses_what_it_cannot_do(link):
    order = DeviceOrder(
        id=OrderId("order-2"),
        device=DeviceId("cam"),
        act=PulseOutput(output=1, duration_s=1.0),
        expires_mono_s=link.clock.now().mono_s + 5,
    )
    assert not (await link.driver.perform(order)).done


async def test_pictures_are_found_once_and_found_anew_after_the_place_moved(camera, link):
    assert (await link.picture()).done
    assert (await link.picture()).done
    assert camera.calls["GetSnapshotUri"] == 1
