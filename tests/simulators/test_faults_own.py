"""The faults of a device itself: a clock that is wrong, a login that was changed."""

from datetime import UTC, datetime

from simulators.control import Control
from simulators.faults import FaultyLink, Login, SimulatedClock


def test_a_clock_jumps_both_ways_and_its_steady_count_does_not() -> None:
    clock = SimulatedClock(wall=lambda: 1_000_000.0, monotonic=lambda: 50.0)
    clock.jump(3600)
    assert clock.utc() == datetime.fromtimestamp(1_003_600, UTC)
    clock.jump(-7200)
    assert clock.utc() == datetime.fromtimestamp(996_400, UTC)
    assert clock.mono_s() == 50.0


def test_a_changed_login_admits_the_new_password_only() -> None:
    login = Login("secd", "old")
    assert login.admits("secd", "old")
    login.change("new")
    assert not login.admits("secd", "old")
    assert login.admits("secd", "new")
    assert not login.admits("root", "new")


async def test_a_link_without_bytes_says_how_it_stands() -> None:
    async with FaultyLink(9, name="cable") as link:
        assert Control([link]).state()["cable"] == {
            "port": link.port,
            "target_port": 9,
            "cut": None,
            "delay_s": 0.0,
            "connections": 0,
            "to_spoil": {"client": 0, "server": 0},
        }
