"""Somebody else on the network closes a lock's relay, with a tool we did not write."""

from datetime import datetime, timedelta

from pymodbus.client import AsyncModbusTcpClient

from tests.guarded import Guard

EAST, EAST_COIL = "east-entrance", 1
A_SECOND = timedelta(seconds=1)


async def test_s07_a_stranger_closing_a_lock_relay_is_an_alarm_within_a_second(guard: Guard) -> None:
    async with guard() as site:
        mark, board = site.witness.mark(), site.house.public_board
        stranger = AsyncModbusTcpClient("127.0.0.1", port=board.port)
        await stranger.connect()
        await stranger.write_coil(EAST_COIL, value=True, device_id=1)
        stranger.close()
        released = await site.witness.event("door.lock_energised", EAST, after=mark)
        found = await site.witness.event("door.released_outside_secd", EAST, after=mark)
        raised = await site.witness.event("alarm.raised", after=found["seq"])
        after_s = datetime.fromisoformat(raised["detected"]) - datetime.fromisoformat(released["detected"])
        assert after_s <= A_SECOND
        await site.house.station.until(
            lambda: any(
                alarm["rule"] == "door-opened-outside-secd" for alarm in site.house.station.ledger.alarms.values()
            )
        )
