"""Links: real sockets to a small relay board; outages told once, orders bounded, reconciliation leaves the rest alone."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import accumulate

import pytest
from relay_board import FAMILY, RelayBoard, RelayDriver, RelaySettings, relay_board

from secd.config.secrets import SecretMissing
from secd.devices.link import LinkState, LinkStatus
from secd.devices.links import Links
from secd.model.errors import ConfigError, Problem, SecdError
from secd.model.facts import DeviceTold, LinkChanged, OutputRead
from secd.model.names import DeviceId, OrderId
from secd.model.observation import Observation
from secd.model.order import DeviceOrder, FetchPicture, SetOutput
from secd.model.secret import Secret
from secd.runtime.clock import ManualClock, SystemClock
from secd.runtime.supervisor import Supervisor

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


class House:
    """Links and what they reported; waits for a fact instead of for time."""

    def __init__(self, clock: ManualClock | SystemClock) -> None:
        self.clock = clock
        self.supervisor = Supervisor(clock)
        self.seen: list[Observation] = []
        self.password: Secret | SecdError = Secret("open-sesame")
        self._arrived = asyncio.Event()
        self.links = Links(
            clock,
            self.supervisor,
            self._report,
            lambda device: None,
            lambda ref: self._resolve(),
            families={"relay_board": FAMILY},
        )

    def _resolve(self) -> Secret:
        if isinstance(self.password, SecdError):
            raise self.password
        return self.password

    def _report(self, observation: Observation) -> None:
        self.seen.append(observation)
        self._arrived.set()

    def facts(self, kind: type) -> list[object]:
        return [observation.fact for observation in self.seen if isinstance(observation.fact, kind)]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self._arrived.clear()
                await self._arrived.wait()

    async def until_links(self, count: int) -> list[object]:
        await self.until(lambda: len(self.facts(LinkChanged)) >= count)
        return self.facts(LinkChanged)

    def only(self) -> LinkStatus:
        (status,) = self.links.status()
        return status


@asynccontextmanager
async def house(clock: ManualClock | SystemClock | None = None) -> AsyncIterator[House]:
    own = House(clock or SystemClock())
    try:
        yield own
    finally:
        await own.links.stop()
        await own.supervisor.stop()
        assert not own.supervisor.failed.done()


def order(act: SetOutput | FetchPicture, house: House, *, within_s: float = 5.0, device: str = "board") -> DeviceOrder:
    return DeviceOrder(
        id=OrderId("01JD.o1"), device=DeviceId(device), act=act, expires_mono_s=house.clock.now().mono_s + within_s
    )


async def test_link_reads_everything_before_it_says_it_is_up() -> None:
    async with relay_board() as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port, label="ACP-1 east riser")})
        await own.until_links(1)
    assert [type(observation.fact) for observation in own.seen] == [OutputRead, OutputRead, LinkChanged]
    assert own.facts(OutputRead)[0] == OutputRead(output=1, energised=False, initial=True)
    assert own.facts(LinkChanged) == [LinkChanged(up=True)]


async def test_status_names_state_label_and_what_is_wrong() -> None:
    async with relay_board() as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port, label="ACP-1 east riser")})
        assert own.only().state is LinkState.CONNECTING
        await own.until_links(1)
        up = own.only()
        assert (up.state, up.family, up.label, up.trouble, up.attempts) == (
            LinkState.UP, "relay_board", "ACP-1 east riser", "", 0,
        )  # fmt: skip
        assert up.last_seen is not None
        await board.stop()
        await own.until_links(2)
        down = own.only()
        assert down.state is LinkState.DOWN
        assert "board" in down.trouble


async def test_outage_is_told_and_logged_once_and_its_length_comes_with_the_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock(START)
    async with relay_board() as board, house(clock) as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        with caplog.at_level(logging.INFO):
            await board.stop()
            await own.until_links(2)
            await refused_attempts(own, 4)
            await board.start()
            await come_back(own, 3)
    down, up = own.facts(LinkChanged)[1:]
    assert isinstance(down, LinkChanged)
    assert isinstance(up, LinkChanged)
    assert (down.up, up.up) == (False, True)
    assert up.outage_s is not None
    assert up.outage_s > 0
    assert [record.getMessage() for record in caplog.records if record.name.startswith("secd.")] == [
        "a device went away",
        "a device came back",
    ]
    assert vars(caplog.records[0])["device"] == "board"


async def refused_attempts(own: House, count: int) -> None:
    """Let the link try and fail so many times more."""
    target = own.only().attempts + count
    async with asyncio.timeout(5):
        while own.only().attempts < target:
            await own.clock.advance(30)  # type: ignore[union-attr]


async def come_back(own: House, links: int) -> None:
    async with asyncio.timeout(5):
        while len(own.facts(LinkChanged)) < links:
            await own.clock.advance(30)  # type: ignore[union-attr]


async def test_device_that_cannot_be_reached_from_the_start_is_one_outage() -> None:
    clock = ManualClock(START)
    board = RelayBoard()
    await board.start()
    await board.stop()
    async with house(clock) as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        await refused_attempts(own, 3)
        assert [fact.up for fact in own.facts(LinkChanged)] == [False]  # type: ignore[attr-defined]
        assert own.only().state is LinkState.DOWN


async def test_refused_password_waits_in_the_slow_lane_and_is_told_once() -> None:
    clock = ManualClock(START)
    async with relay_board() as board, house(clock) as own:
        own.password = Secret("wrong")
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until(lambda: len(own.facts(DeviceTold)) == 1)
        assert own.only().state is LinkState.REFUSED
        await clock.advance(149)
        assert board.connections == 1
        await refused_attempts(own, 2)
        await own.until(lambda: board.connections >= 2)
        assert own.facts(DeviceTold) == [
            DeviceTold(what="refused", detail="the board does not accept our password"),
        ]
        assert len(own.facts(LinkChanged)) == 1


async def test_renewed_password_is_read_anew_after_a_refusal() -> None:
    clock = ManualClock(START)
    async with relay_board() as board, house(clock) as own:
        own.password = Secret("wrong")
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until(lambda: len(own.facts(DeviceTold)) == 1)
        own.password = Secret("open-sesame")
        await clock.advance(301)
        assert own.facts(LinkChanged)[-1] == (await own.until_links(2))[-1]
        assert own.only().state is LinkState.UP


NO_SECRET = SecretMissing("secrets/camera-password cannot be read: No such file or directory")
NO_SETTINGS = ConfigError((Problem(path="site.yaml", line=3, column=1, message="no such secret"),))


@pytest.mark.parametrize(("error", "trouble"), [(NO_SECRET, str(NO_SECRET)), (NO_SETTINGS, "no such secret")])
async def test_secret_that_cannot_be_read_stops_its_own_link_only(error: SecdError, trouble: str) -> None:
    async with relay_board() as board, house() as own:
        own.password = error
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        assert own.only().state is LinkState.REFUSED
        assert own.only().trouble == trouble
        assert board.connections == 0


async def test_peer_that_breaks_its_protocol_is_told_as_misbehaving() -> None:
    async with relay_board(garbage=True) as board, house(ManualClock(START)) as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until(lambda: len(own.facts(DeviceTold)) == 1)
        assert own.facts(DeviceTold) == [
            DeviceTold(what="misbehaved", detail="the board said something it may not"),
        ]


async def test_failing_driver_never_leaves_its_link_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(START)
    async with relay_board() as board, house(clock) as own:
        own.links.reconcile({
            "broken": RelaySettings(port=board.port, breaks=True),
            "board": RelaySettings(port=board.port),
        })  # fmt: skip
        await own.until_links(2)
        for _ in range(5):
            await clock.advance(30)
        states = {status.device: status.state for status in own.links.status()}
        assert states == {"broken": LinkState.DOWN, "board": LinkState.UP}
        assert [r.getMessage() for r in caplog.records if r.exc_info] == ["a device's driver failed"]


async def test_order_is_performed_on_the_live_link() -> None:
    async with relay_board() as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        outcome = await own.links.perform(order(SetOutput(output=2, energised=True), own))
        assert outcome.done
        assert board.outputs[2]
        picture = await own.links.perform(order(FetchPicture(), own))
        assert picture.picture is not None


async def test_order_to_a_mute_device_ends_at_its_deadline() -> None:
    async with relay_board(deaf=True) as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        outcome = await own.links.perform(order(SetOutput(output=1, energised=True), own, within_s=0.05))
        assert not outcome.done
        assert "did not answer before the deadline" in outcome.detail


async def test_s08_order_past_its_deadline_is_never_sent() -> None:
    async with relay_board() as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        outcome = await own.links.perform(order(SetOutput(output=1, energised=True), own, within_s=-0.001))
        assert not outcome.done
        assert board.received == []


async def test_s08_order_to_a_device_that_is_away_fails_at_once_and_is_not_sent_on_its_return() -> None:
    clock = ManualClock(START)
    async with relay_board() as board, house(clock) as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        await board.stop()
        await own.until_links(2)
        outcome = await own.links.perform(order(SetOutput(output=1, energised=True), own, within_s=3600))
        assert not outcome.done
        assert "cannot be reached" in outcome.detail
        await board.start()
        await come_back(own, 3)
        assert board.received == []


async def test_order_to_an_unknown_device_is_answered() -> None:
    async with house() as own:
        outcome = await own.links.perform(order(FetchPicture(), own, device="nobody"))
        assert outcome.detail == "there is no device nobody"


async def test_unchanged_devices_keep_their_link_over_a_reload() -> None:
    async with relay_board() as first, relay_board() as second, house() as own:
        own.links.reconcile({"a": RelaySettings(port=first.port), "b": RelaySettings(port=second.port)})
        await own.until_links(2)
        own.links.reconcile({"a": RelaySettings(port=first.port), "b": RelaySettings(port=second.port, label="new")})
        await own.until_links(3)
        assert (first.connections, second.connections) == (1, 2)
        assert [fact.up for fact in own.facts(LinkChanged)] == [True, True, True]  # type: ignore[attr-defined]


async def test_replaced_link_lets_go_of_the_device_before_the_next_one_takes_it() -> None:
    async with relay_board() as board, house() as own:
        for label in ("one", "two", "three", "four"):
            own.links.reconcile({"board": RelaySettings(port=board.port, label=label)})
        await own.until_links(1)
        own.links.reconcile({"board": RelaySettings(port=board.port, label="five")})
        await own.until_links(2)
        assert own.only().label == "five"
        assert max(accumulate(step for port, step in RelayDriver.runs if port == board.port)) == 1


async def test_removed_device_is_let_go_and_says_nothing_more() -> None:
    async with relay_board() as board, house() as own:
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        own.links.reconcile({})
        count = len(own.seen)
        board.turn(1, energised=True)
        await own.links.stop()
        assert len(own.seen) == count
        assert own.links.status() == ()


async def test_stopping_changes_no_output_and_reports_no_outage() -> None:
    async with relay_board() as board, house() as own:
        board.outputs[1] = True
        own.links.reconcile({"board": RelaySettings(port=board.port)})
        await own.until_links(1)
        await own.links.stop()
        assert board.received == []
        assert len(own.facts(LinkChanged)) == 1
