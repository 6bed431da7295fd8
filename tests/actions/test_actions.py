"""Actions against a small relay board on a real socket: orders end exactly once, modes are kept, nothing acts late."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from relay_board import FAMILY, PICTURE, RelayBoard, RelaySettings, relay_board

from secd.actions.actions import IN_FLIGHT_MAX, Actions
from secd.actions.locks import CONFIRM_S
from secd.devices.links import Links
from secd.model.doors import Achieved, DoorMode, Layer
from secd.model.event import Event
from secd.model.facts import InputState, LinkChanged, OrderEnded, OutputRead, PointChanged
from secd.model.names import CameraId, DeviceId, DoorId, EventId, OrderId
from secd.model.observation import Observation
from secd.model.order import Act, DesiredLock, Order, ReleaseDoor, RelockDoor, SignalReader, TakeSnapshot
from secd.model.secret import Secret
from secd.model.wiring import LockWiring, Wiring
from secd.runtime.clock import ManualClock, Quiescence
from secd.runtime.supervisor import Supervisor

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
EAST = DoorId("east")
BOARD = DeviceId("board")
CAUSE = EventId("01JD")
DOOR_OF = {1: EAST, 2: DoorId("west")}


def lock(output: int, *, energise_to_unlock: bool = True) -> LockWiring:
    return LockWiring(device=BOARD, output=output, energise_to_unlock=energise_to_unlock, release_s=5)


WIRING = Wiring(
    locks={"east": lock(1), "west": lock(2)},
    readers={"east": (BOARD, 1)},
    cameras={"east-cam": BOARD},
)


@dataclass(frozen=True)
class Kept:
    path: str
    sha256: str
    size_bytes: int


class Site:
    """Links, actions, and the way from what a board says to the event that actions see."""

    def __init__(self, board: RelayBoard, wiring: Wiring, *, settling: bool) -> None:
        self.quiescence = Quiescence()
        self.clock = ManualClock(START, quiescence=self.quiescence if settling else None)
        self.supervisor = Supervisor(self.clock)
        self.board = board
        self.ended: list[OrderEnded] = []
        self.ups = 0
        self.disk_full = False
        self._orders = 0
        self._happened = asyncio.Event()
        self.links = Links(
            self.clock, self.supervisor, self._report, lambda device: None, lambda ref: Secret("open-sesame"),
            families={"relay_board": FAMILY},
        )  # fmt: skip
        self.actions = Actions(
            wiring=wiring,
            perform=self.links.perform,
            report=self._report,
            clock=self.clock,
            supervisor=self.supervisor,
            keep_picture=self._keep,
            quiescence=self.quiescence,
        )

    def _report(self, observation: Observation) -> None:
        match observation.fact:
            case OrderEnded() as fact:
                self.ended.append(fact)
            case OutputRead() as fact if fact.output in DOOR_OF:
                word = "energised" if fact.energised else "deenergised"
                self.see(observation, f"door.lock_{word}", DOOR_OF[fact.output])
            case LinkChanged() as fact:
                self.ups += fact.up
                self.see(observation, "device.came_back" if fact.up else "device.went_offline", observation.device)
        self._happened.set()

    def see(self, observation: Observation, kind: str, subject: str) -> None:
        event = Event(
            id=CAUSE, kind=kind, subject=subject, area=None, source=observation.device,
            occurred=observation.seen.utc, detected=observation.seen, fact=observation.fact,
        )  # fmt: skip
        self.actions.observe(event)

    def contact(self, kind: str) -> None:
        fact = PointChanged(point="input/1", state=InputState.ACTIVE)
        self.see(Observation(device=BOARD, fact=fact, seen=self.clock.now()), kind, EAST)

    async def _keep(self, order: Order, picture: bytes) -> Kept:
        if self.disk_full:
            raise OSError(28, "No space left on device")
        return Kept(f"{order.cause}.jpg", hashlib.sha256(picture).hexdigest(), len(picture))

    async def connect(self) -> None:
        ups = self.ups
        self.links.reconcile({"board": RelaySettings(port=self.board.port)})
        await self.until(lambda: self.ups > ups)

    async def reconnect(self) -> None:
        ups = self.ups
        async with asyncio.timeout(5):
            while self.ups == ups:
                await self.clock.advance(30)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self._happened.clear()
                await self._happened.wait()

    async def east_is(self, achieved: Achieved) -> None:
        await self.until(lambda: self.actions.achieved()[EAST] is achieved)

    def order(self, act: Act, *, within_s: float = 3.0, urgent: bool = False) -> Order:
        self._orders += 1
        expires_mono_s = self.clock.now().mono_s + within_s
        return Order(
            id=OrderId(f"{CAUSE}.o{self._orders}"), act=act, cause=CAUSE, expires_mono_s=expires_mono_s, urgent=urgent
        )

    def release(self, *, within_s: float = 3.0, duration_s: float = 5.0, door: DoorId = EAST) -> Order:
        return self.order(ReleaseDoor(door=door, duration_s=duration_s), within_s=within_s)

    def results(self) -> list[tuple[str, str]]:
        return [(ended.act, ended.result) for ended in self.ended]

    async def settled(self) -> None:
        """Nothing is under way any more and the board has said all it has to say."""
        async with asyncio.timeout(5):
            await self.quiescence.idle()
        seen = len(self.board.received)
        await self.clock.advance(0)
        assert len(self.board.received) == seen


@asynccontextmanager
async def site(
    wiring: Wiring = WIRING, *, restored: bool = True, settling: bool = True, **flags: bool
) -> AsyncIterator[Site]:
    async with relay_board(**flags) as board:
        own = Site(board, wiring, settling=settling)
        if restored:
            own.actions.restore(())
        try:
            yield own
        finally:
            await own.links.stop()
            await own.supervisor.stop()
            assert not own.supervisor.failed.done()


def desired(mode: DoorMode, layer: Layer = Layer.SCHEDULE, door: DoorId = EAST) -> DesiredLock:
    return DesiredLock(door=door, mode=mode, layer=layer, cause=CAUSE)


LOCKED = desired(DoorMode.LOCKED, Layer.LOCKED)
UNLOCKED = desired(DoorMode.UNLOCKED)
LOCKDOWN = desired(DoorMode.LOCKED, Layer.LOCKDOWN)

# --- orders ----------------------------------------------------------------------------------------------------------


async def test_release_pulses_the_doors_relay_and_ends_once() -> None:
    async with site() as own:
        await own.connect()
        own.actions.dispatch([own.release(), own.order(SignalReader(door=EAST, granted=True))])
        assert await own.board.orders(2) == ["PULSE 1 1 5", "SIGNAL 1 1"]
        await own.until(lambda: len(own.ended) == 2)
        assert own.results() == [("ReleaseDoor", "done"), ("SignalReader", "done")]
        assert own.actions.in_flight == 0


async def test_s08_expired_order_is_never_sent() -> None:
    async with site() as own:
        await own.connect()
        own.actions.dispatch([own.release(within_s=0.0)])
        assert own.results() == [("ReleaseDoor", "expired")]
        await own.settled()
        assert own.board.received == []


async def test_s08_order_whose_deadline_passes_while_its_device_is_busy_is_never_sent() -> None:
    async with site(settling=False, holding=True) as own:
        await own.connect()
        own.actions.dispatch([own.order(SignalReader(door=EAST, granted=False), within_s=60)])
        await own.board.orders(1)
        own.actions.dispatch([own.release(within_s=2.0)])
        await own.clock.advance(2.0)
        own.board.answer_next()
        await own.until(lambda: len(own.ended) == 2)
        assert own.results() == [("SignalReader", "done"), ("ReleaseDoor", "expired")]
        assert len(own.board.received) == 1


async def test_s08_order_to_a_device_that_is_away_fails_at_once_and_is_not_sent_on_its_return() -> None:
    async with site() as own:
        await own.connect()
        await own.board.stop()
        await own.until(lambda: own.links.status()[0].state == "down")
        own.actions.dispatch([own.release(within_s=3600)])
        await own.until(lambda: len(own.ended) == 1)
        assert own.results() == [("ReleaseDoor", "failed")]
        assert "cannot be reached" in own.ended[0].detail
        await own.board.start()
        await own.reconnect()
        await own.settled()
        assert own.board.received == []


async def test_order_to_a_mute_device_fails_once_at_its_deadline() -> None:
    async with site(deaf=True) as own:
        await own.connect()
        own.actions.dispatch([own.release(within_s=0.05)])
        await own.until(lambda: len(own.ended) == 1)
        assert own.results() == [("ReleaseDoor", "failed")]
        assert "may have been carried out" in own.ended[0].detail


async def test_order_that_is_not_wired_is_answered_by_name() -> None:
    async with site() as own:
        own.actions.dispatch([own.release(door=DoorId("north")), own.order(TakeSnapshot(camera=CameraId("north-cam")))])
        assert [(ended.result, ended.detail) for ended in own.ended] == [
            ("failed", "north has no lock wired"),
            ("failed", "there is no camera north-cam"),
        ]


async def test_same_order_given_twice_is_carried_out_once() -> None:
    async with site() as own:
        await own.connect()
        order = own.release()
        own.actions.dispatch([order, order])
        await own.until(lambda: len(own.ended) == 1)
        await own.settled()
        assert len(own.board.received) == 1


async def test_orders_beyond_the_bound_are_refused_with_an_outcome_and_urgent_ones_still_pass() -> None:
    async with site(holding=True) as own:
        await own.connect()
        signals = [own.order(SignalReader(door=EAST, granted=True)) for _ in range(IN_FLIGHT_MAX + 3)]
        own.actions.dispatch(signals)
        assert [ended.detail for ended in own.ended] == ["too many orders are under way"] * 3
        own.actions.dispatch([own.order(RelockDoor(door=EAST), urgent=True)])
        assert own.actions.in_flight == IN_FLIGHT_MAX + 1
        await own.board.orders(1)
        own.board.answer_next()
        assert (await own.board.orders(2))[1] == "SET 1 0"


async def test_orders_from_before_a_crash_are_said_to_be_abandoned_and_not_sent() -> None:
    async with site() as own:
        await own.connect()
        own.actions.abandon([own.release(), own.order(SignalReader(door=EAST, granted=True))])
        assert own.results() == [("ReleaseDoor", "abandoned"), ("SignalReader", "abandoned")]
        await own.settled()
        assert own.board.received == []


async def test_order_under_way_when_secd_stops_is_left_without_an_outcome_for_the_next_start() -> None:
    async with site(deaf=True) as own:
        await own.connect()
        own.actions.dispatch([own.release()])
        await own.board.orders(1)
        await own.supervisor.stop()
        assert own.ended == []
        assert own.actions.in_flight == 0


# --- pictures --------------------------------------------------------------------------------------------------------


async def test_snapshot_is_kept_and_its_place_and_digest_come_back() -> None:
    async with site() as own:
        await own.connect()
        own.actions.dispatch([own.order(TakeSnapshot(camera=CameraId("east-cam")))])
        await own.until(lambda: len(own.ended) == 1)
        (ended,) = own.ended
        assert (ended.act, ended.result, ended.path, ended.size_bytes) == (
            "TakeSnapshot", "done", f"{CAUSE}.jpg", len(PICTURE),
        )  # fmt: skip
        assert ended.sha256 == hashlib.sha256(PICTURE).hexdigest()


async def test_picture_that_cannot_be_kept_fails_its_order_only() -> None:
    async with site() as own:
        await own.connect()
        own.disk_full = True
        own.actions.dispatch([own.order(TakeSnapshot(camera=CameraId("east-cam")))])
        await own.until(lambda: len(own.ended) == 1)
        assert own.ended[0].result == "failed"
        assert "No space left" in own.ended[0].detail


# --- modes -----------------------------------------------------------------------------------------------------------


async def test_s02_no_output_is_written_before_the_modes_are_restored() -> None:
    async with site(restored=False) as own:
        own.board.outputs[1] = True
        await own.connect()
        own.actions.dispatch([own.release()])
        assert own.results() == [("ReleaseDoor", "failed")]
        await own.settled()
        assert own.board.received == []
        own.actions.restore([LOCKED])
        assert await own.board.orders(1) == ["SET 1 0"]


async def test_s04_restart_writes_nothing_where_the_relays_stand_right() -> None:
    async with site(restored=False) as own:
        own.board.outputs[2] = True
        own.actions.restore([LOCKED, desired(DoorMode.UNLOCKED, door=DoorId("west"))])
        await own.connect()
        await own.settled()
        assert own.board.received == []
        assert set(own.actions.achieved().values()) == {Achieved.ACHIEVED}


async def test_s04_loss_and_return_of_communication_write_nothing() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.board.drop()
        await own.until(lambda: own.links.status()[0].state == "down")
        assert own.actions.achieved() == {EAST: Achieved.PENDING}
        await own.reconnect()
        await own.settled()
        assert own.board.received == []
        assert own.actions.achieved() == {EAST: Achieved.ACHIEVED}


async def test_mode_that_changed_while_the_link_was_away_is_asserted_on_its_return() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.board.drop()
        await own.until(lambda: own.links.status()[0].state == "down")
        own.actions.desire(UNLOCKED)
        await own.settled()
        assert own.board.received == []
        await own.reconnect()
        assert await own.board.orders(1) == ["SET 1 1"]
        await own.east_is(Achieved.ACHIEVED)


async def test_relay_moved_by_another_hand_is_put_back() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.board.turn(1, energised=True)
        assert await own.board.orders(1) == ["SET 1 0"]
        await own.east_is(Achieved.ACHIEVED)


async def test_door_without_a_desired_mode_is_left_as_it_is() -> None:
    async with site() as own:
        await own.connect()
        own.board.turn(1, energised=True)
        await own.settled()
        assert own.board.received == []
        assert own.actions.achieved() == {}


async def test_running_release_is_no_mismatch_and_its_end_writes_nothing() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.dispatch([own.release()])
        await own.until(lambda: len(own.ended) == 1)
        await own.east_is(Achieved.ACHIEVED)
        own.board.end_pulse(1)
        await own.clock.advance(60)
        assert await own.board.orders(1) == ["PULSE 1 1 5"]


async def test_pulse_that_a_board_never_ends_is_ended_by_its_mode() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.dispatch([own.release(duration_s=5)])
        await own.until(lambda: len(own.ended) == 1)
        own.board.turn(1, energised=True)  # the board says no more that it pulses
        await own.settled()
        await own.clock.advance(4)
        assert len(own.board.received) == 1
        await own.clock.advance(3)
        assert await own.board.orders(2) == ["PULSE 1 1 5", "SET 1 0"]


async def test_release_at_a_door_that_stands_unlocked_is_done_without_a_pulse() -> None:
    async with site() as own:
        own.actions.desire(UNLOCKED)
        await own.connect()
        await own.east_is(Achieved.ACHIEVED)
        own.actions.dispatch([own.release()])
        assert own.results() == [("ReleaseDoor", "done")]
        own.actions.dispatch([own.order(RelockDoor(door=EAST))])
        await own.until(lambda: len(own.ended) == 2)
        assert await own.board.orders(2) == ["SET 1 1", "SET 1 1"]
        assert own.board.outputs[1]


async def test_unlock_during_a_release_holds_the_relay() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.dispatch([own.release()])
        await own.until(lambda: len(own.ended) == 1)
        await own.settled()
        own.actions.desire(UNLOCKED)
        assert await own.board.orders(2) == ["PULSE 1 1 5", "SET 1 1"]
        await own.east_is(Achieved.ACHIEVED)


async def test_board_that_refuses_is_shown_as_failed_and_tried_again() -> None:
    async with site(refuse_orders=True) as own:
        await own.connect()
        own.actions.desire(UNLOCKED)
        await own.board.orders(1)
        await own.settled()
        assert own.actions.achieved() == {EAST: Achieved.FAILED}
        own.board.refuse_orders = False
        await own.clock.advance(60)
        await own.east_is(Achieved.ACHIEVED)
        assert own.board.outputs[1]


async def test_relay_that_does_not_follow_its_order_is_shown_as_failed_and_written_with_growing_pauses() -> None:
    async with site(stuck=True) as own:
        await own.connect()
        own.actions.desire(UNLOCKED)
        await own.board.orders(1)
        await own.settled()
        assert own.actions.achieved() == {EAST: Achieved.PENDING}
        await own.clock.advance(CONFIRM_S)
        await own.board.orders(2)
        await own.settled()
        assert own.actions.achieved() == {EAST: Achieved.FAILED}
        await own.clock.advance(300)
        assert 10 < len(own.board.received) <= 102


async def test_rewired_lock_is_asserted_at_its_new_relay() -> None:
    async with site() as own:
        own.actions.desire(UNLOCKED)
        await own.connect()
        await own.east_is(Achieved.ACHIEVED)
        own.actions.rewire(Wiring(locks={"east": lock(2)}))
        assert await own.board.orders(2) == ["SET 1 1", "SET 2 1"]


# --- lockdown --------------------------------------------------------------------------------------------------------


async def test_s03_lockdown_preempts_the_release_in_flight_on_its_door() -> None:
    async with site(holding=True) as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.dispatch([own.release()])
        await own.board.orders(1)
        own.actions.desire(LOCKDOWN)
        assert own.results() == [("ReleaseDoor", "failed")]
        assert own.ended[0].detail == "cut short by a lockdown"
        assert await own.board.orders(2) == ["PULSE 1 1 5", "SET 1 0"]
        own.board.answer_next()
        own.board.answer_next()
        await own.settled()
        assert not own.board.outputs[1]
        await own.east_is(Achieved.ACHIEVED)
        assert len(own.ended) == 1


async def test_s03_lockdown_ends_the_pulse_that_runs() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.dispatch([own.release()])
        await own.until(lambda: len(own.ended) == 1)
        assert own.board.outputs[1]
        own.actions.desire(LOCKDOWN)
        assert (await own.board.orders(2))[1] == "SET 1 0"
        await own.east_is(Achieved.ACHIEVED)
        assert not own.board.outputs[1]


async def test_s03_lockdown_write_that_fails_is_tried_again_though_the_last_report_looked_right() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.board.stuck = True  # the pulse is not reported
        own.actions.dispatch([own.release()])
        await own.until(lambda: len(own.ended) == 1)
        own.board.refuse_orders = True
        own.actions.desire(LOCKDOWN)
        await own.board.orders(2)
        await own.settled()
        assert own.actions.achieved() == {EAST: Achieved.FAILED}
        own.board.refuse_orders = False
        await own.clock.advance(1)
        assert (await own.board.orders(3))[2] == "SET 1 0"
        await own.east_is(Achieved.ACHIEVED)


async def test_s03_urgent_relock_goes_ahead_of_what_waits_on_its_board() -> None:
    async with site(holding=True) as own:
        await own.connect()
        own.actions.dispatch([own.order(SignalReader(door=EAST, granted=True)) for _ in range(3)])
        await own.board.orders(1)
        own.actions.dispatch([own.order(RelockDoor(door=EAST), urgent=True)])
        own.board.answer_next()
        assert await own.board.orders(2) == ["SIGNAL 1 1", "SET 1 0"]


async def test_s03_admitted_person_is_released_during_a_lockdown() -> None:
    async with site() as own:
        await own.connect()
        own.actions.desire(LOCKDOWN)
        own.actions.dispatch([own.release()])
        await own.until(lambda: len(own.ended) == 1)
        assert own.results() == [("ReleaseDoor", "done")]
        own.actions.desire(LOCKDOWN)  # said again: nothing new, nobody is cut short
        await own.settled()
        assert own.board.outputs[1]


async def test_s03_door_standing_open_is_not_achieved() -> None:
    async with site() as own:
        await own.connect()
        own.contact("door.opened")
        own.actions.desire(LOCKDOWN)
        assert own.actions.achieved() == {EAST: Achieved.PENDING}
        own.contact("door.closed")
        assert own.actions.achieved() == {EAST: Achieved.ACHIEVED}


async def test_s02_higher_layer_of_the_same_mode_writes_nothing() -> None:
    async with site() as own:
        own.actions.desire(LOCKED)
        await own.connect()
        own.actions.desire(LOCKDOWN)
        own.actions.desire(LOCKED)
        await own.settled()
        assert own.board.received == []
