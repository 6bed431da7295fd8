"""What a camera notices reaches secd: first how things stand, then what changes, and again after everything was lost."""

import asyncio
from datetime import UTC, datetime

from secd.drivers.onvif_camera.driver import WATCH_S
from secd.model.errors import LinkLost, Refused
from secd.model.facts import CameraSaw, DeviceTold, LinkChanged
from secd.runtime.clock import ManualClock
from simulators.faults import SimulatedClock
from simulators.onvif_camera import OnvifCamera
from simulators.onvif_camera.events import MOTION_ALARM, TAMPER, digital_input


async def test_present_states_are_told_as_initial_before_the_link_is_up(camera, connect):
    camera.motion(on=True)
    async with connect(camera.address) as link:
        await link.up()
    assert link.facts == [
        CameraSaw(what="motion", active=True, token="VideoSourceConfiguration0", initial=True),
        CameraSaw(what="tamper", active=False, token="VideoSource0", initial=True),
        CameraSaw(what="digital_input", active=False, token="1", initial=True),
        LinkChanged(up=True),
    ]


async def test_motion_tamper_and_an_input_are_told_when_they_begin_and_when_they_end(camera, link):
    for on in (True, False):
        camera.motion(on=on)
        camera.tamper(on=on)
        camera.digital_input(on=on)
        for what in ("motion", "tamper", "digital_input"):
            await link.saw(what, active=on)
    changes = [fact for fact in link.facts if isinstance(fact, CameraSaw) and not fact.initial]
    assert len(changes) == 6


async def test_other_topics_of_other_makers_mean_the_same(connect):
    async with (
        OnvifCamera(topics=(MOTION_ALARM, TAMPER, digital_input("door"))) as camera,
        connect(camera.address) as link,
    ):
        await link.up()
        camera.motion(on=True)
        camera.tamper(on=True)
        camera.digital_input(on=True, token="door")
        assert (await link.saw("motion", active=True)).fact.token == "VideoSource0"
        assert (await link.saw("tamper", active=True)).fact.token == "VideoSourceConfiguration0"
        assert (await link.saw("digital_input", active=True)).fact.token == "door"


async def test_an_event_is_no_older_than_the_pull_before_it_whatever_the_camera_says(camera, link):
    camera.jump_clock(seconds=-50_000)
    camera.motion(on=True)
    seen = await link.saw("motion", active=True)
    assert 0 <= seen.age_s < 10


async def test_after_a_reboot_the_states_are_told_again_and_events_go_on(camera, link):
    camera.motion(on=True)
    await link.saw("motion", active=True)
    before = len(link.seen)
    camera.reboot()
    await link.until(lambda fact: isinstance(fact, DeviceTold) and fact.what == "restarted", after=before)
    await link.saw("motion", active=True, initial=True, after=before)
    camera.motion(on=False)
    await link.saw("motion", active=False, after=before)


async def test_a_connection_cut_during_a_pull_is_opened_again_and_the_request_signed_anew(camera, link):
    for on in (True, False, True):
        async with asyncio.timeout(20):
            await camera.called("PullMessages", camera.calls["PullMessages"] + 1)
        camera.drop_connections()
        before = len(link.seen)
        camera.motion(on=on)
        await link.saw("motion", active=on, after=before)
    assert camera.calls["CreatePullPointSubscription"] == 1
    assert camera.calls["SetSynchronizationPoint"] >= 2
    assert not camera.refusals


async def test_what_happened_while_the_pull_point_was_gone_is_seen_as_a_state(camera, link):
    camera.forget_pull_points()
    camera.tamper(on=True)
    await link.saw("tamper", active=True, initial=True, after=len(link.seen))


async def test_a_pull_point_is_renewed_before_it_ends(connect):
    clock = ManualClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    in_step = SimulatedClock(wall=lambda: clock.now().mono_s, monotonic=lambda: clock.now().mono_s)
    async with OnvifCamera(clock=in_step) as camera, connect(camera.address, clock=clock) as link:
        await link.saw("digital_input", active=False, initial=True)
        for _ in range(10):
            for on in (True, False):
                before = len(link.seen)
                camera.motion(on=on)
                await clock.advance(1)
                await link.saw("motion", active=on, after=before)
                await clock.advance(24)
    assert camera.calls["CreatePullPointSubscription"] == 1
    assert camera.calls["Renew"] >= 5


async def test_a_camera_that_names_pull_points_by_parameter_is_understood(connect):
    async with OnvifCamera(by_parameter=True) as camera, connect(camera.address) as link:
        await link.up()
        camera.motion(on=True)
        await link.saw("motion", active=True)


async def test_a_camera_without_events_is_up_and_says_so(connect):
    async with OnvifCamera(events=False) as camera, connect(camera.address) as link:
        await link.up()
        assert [fact.what for fact in link.facts if isinstance(fact, DeviceTold)] == ["no_events"]
        assert (await link.picture()).done


async def test_a_camera_without_events_that_goes_away_or_changes_its_password_is_noticed(connect):
    for trouble, family in (("close", LinkLost), ("set_password", Refused)):
        clock = ManualClock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
        async with OnvifCamera(events=False) as camera, connect(camera.address, clock=clock) as link:
            await link.up()
            if trouble == "close":
                await camera.close()
            else:
                camera.set_password(password="another")
            await clock.advance(WATCH_S)
            assert isinstance(await link.ended(), family)


async def test_no_free_pull_point_is_a_lost_link_that_is_tried_again(connect):
    async with OnvifCamera(pull_points_max=0) as camera, connect(camera.address) as link:
        error = await link.ended()
    assert isinstance(error, LinkLost)
    assert "maximum number of pull points" in str(error)


async def test_a_camera_swapped_for_another_is_noticed_on_return(connect):
    async with OnvifCamera(name="first") as first:
        port = first.port
        async with connect(first.address) as link:
            await link.up()
            await link.stop()
            await first.close()
            async with OnvifCamera(name="second", port=port):
                link.start()
                told = await link.until(lambda fact: isinstance(fact, DeviceTold) and fact.what == "replaced")
    assert told.fact.detail == "serial number 'second' instead of 'first'"


async def test_a_camera_whose_clock_is_wrong_is_told_of_and_works(camera, connect):
    camera.jump_clock(seconds=-86_400)
    async with connect(camera.address) as link:
        await link.up()
        camera.motion(on=True)
        await link.saw("motion", active=True)
    told = [fact for fact in link.facts if isinstance(fact, DeviceTold)]
    assert [fact.what for fact in told] == ["clock_off"]
    assert "-86400 s" in told[0].detail or "-86401 s" in told[0].detail
