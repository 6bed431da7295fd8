"""Profiles under the links of a site: a door of two devices, and an edit of one profile that leaves the other's link alone."""

import asyncio
from pathlib import Path

from profile_bench import DEADLINE_S, make_board

from secd.config.load import load_site
from secd.config.modbus.load import SECTION
from secd.devices.families import DRIVERS
from secd.devices.links import Links
from secd.devices.section import SECTIONS
from secd.model.facts import CardRead, LinkChanged
from secd.model.names import DeviceId, OrderId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, PulseOutput
from secd.model.secret import CardBits, Secret
from secd.runtime.clock import SystemClock
from secd.runtime.supervisor import Supervisor

READER = """modbus_profiles:
  own-reader:
    make: nobody
    model: a reader as rf IDEAS makes it
    sources: [made up for the tests]
    tested: the simulator
    cards: {handshake: sequence, place: input 0, bit_count: input 2, data: input 3, words: 16}
    limits: {gap: 1, poll_min: POLL}
"""


def _devices(directory: Path, reader_port: int, board_port: int, poll: str) -> dict[str, object]:
    (directory / "site.yaml").write_text(
        READER.replace("POLL", poll)
        + "devices:\n"
        + f"  reader: {{driver: modbus_io, profile: own-reader, address: 'tcp://127.0.0.1:{reader_port}'}}\n"
        + f"  board: {{driver: modbus_io, profile: icpdas-et-2260, address: 'tcp://127.0.0.1:{board_port}'}}\n"
    )
    return dict(load_site(directory / "site.yaml", (SECTION, *SECTIONS)).values["devices"])


async def test_an_edited_profile_replaces_the_links_of_its_devices_and_no_other(tmp_path: Path) -> None:
    seen: list[Observation] = []
    news = asyncio.Event()

    def report(observation: Observation) -> None:
        seen.append(observation)
        news.set()

    async def until_seen(count: int, device: str, fact: type) -> list[Observation]:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = [one for one in seen if one.device == device and isinstance(one.fact, fact)]
                if len(found) >= count:
                    return found
                news.clear()
                await news.wait()

    clock = SystemClock()
    supervisor = Supervisor(clock)
    links = Links(clock, supervisor, report, lambda _: None, lambda _: Secret(""), families=DRIVERS)
    async with make_board("rfideas-modbus-tcp") as reader, make_board("icpdas-et-2260") as board:
        try:
            links.reconcile(_devices(tmp_path, reader.port, board.port, "20ms"))
            await until_seen(1, "reader", LinkChanged)
            await until_seen(1, "board", LinkChanged)
            reader.present_card(CardBits(bit_count=26, value=12345))
            (read,) = await until_seen(1, "reader", CardRead)
            assert not read.after_gap
            release = DeviceOrder(
                id=OrderId("release"), device=DeviceId("board"), act=PulseOutput(output=1, duration_s=0.3),
                expires_mono_s=clock.now().mono_s + DEADLINE_S,
            )  # fmt: skip
            assert (await links.perform(release)).done
            assert board.electronics.relay(1).coil
            links.reconcile(_devices(tmp_path, reader.port, board.port, "40ms"))
            await until_seen(2, "reader", LinkChanged)
            async with asyncio.timeout(DEADLINE_S):
                await board.until(lambda: not board.electronics.relay(1).coil)
            assert len([one for one in seen if one.device == "board" and isinstance(one.fact, LinkChanged)]) == 1
        finally:
            await links.stop()
