"""What a board's words mean: two snapshots, or the card FIFO, to observations. Pure: it awaits nothing, keeps nothing.

In: the snapshot before (None: nothing is known), the one now, and the moment it was read. Out: observations, in the order
they are to be reported. Refuses (PeerViolation) a board whose counters fall without a restart.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from secd.drivers.modbus_io.profiles import Snapshot
from secd.model.errors import PeerViolation
from secd.model.facts import CardRead, DeviceTold, Fact, OutputRead, PointChanged
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor, Observation
from secd.model.time import Instant
from secd.wire.door_controller import CardEntry
from secd.wire.registers import ResetCause

_CAUSES = {
    ResetCause.POWER_ON: "power came on",
    ResetCause.PROCESSOR_WATCHDOG: "its processor had stopped",
    ResetCause.COMMANDED: "it was told to",
    ResetCause.BROWN_OUT: "its supply sagged",
    ResetCause.UNKNOWN: "it does not know why",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whose snapshot it is, when it was read, and whether nobody looked before it: the first after a gap (S8)."""

    device: DeviceId
    seen: Instant
    initial: bool = False

    def tell(self, fact: Fact, age_s: float = 0.0, cursor: DeviceCursor | None = None) -> Observation:
        """An observation of this sight."""
        return Observation(
            device=self.device, fact=fact, seen=self.seen, age_s=age_s, after_gap=self.initial, cursor=cursor
        )


def translate(
    before: Snapshot | None, now: Snapshot, sight: Sight, touched: Collection[int] = ()
) -> tuple[Observation, ...]:
    """What changed since `before`; everything when the sight is initial. `touched` outputs are told in any case."""
    if before is not None and before.header.boot_id != now.header.boot_id:
        before = None
    return (
        *_watchdog(before, now, sight),
        *_inputs(before, now, sight),
        *_outputs(before, now, sight, touched),
        *_cabinet(before, now, sight),
    )


def translate_restart(now: Snapshot, sight: Sight) -> Observation:
    """The board started anew since we last knew it."""
    return sight.tell(DeviceTold(what="restarted", detail=_CAUSES[now.header.reset_cause]))


def translate_reads(
    entries: Iterable[CardEntry], now: Snapshot, sight: Sight, reported: int
) -> tuple[Observation, ...]:
    """The card reads newer than `reported`, up to the newest of the snapshot; first of all how many are missing."""
    fresh = [entry for entry in entries if reported < entry.sequence <= now.newest]
    lost = now.newest - reported - len(fresh)
    told = [sight.tell(lost_reads(lost))] if lost > 0 else []
    reads = [
        sight.tell(
            CardRead(reader=entry.reader, bits=entry.bits),
            age_s=entry.age_ms / 1000,
            cursor=DeviceCursor(boot_id=now.header.boot_id, sequence=entry.sequence),
        )
        for entry in fresh
    ]
    return (*told, *reads)


def lost_reads(count: int) -> DeviceTold:
    """`count` card reads went by unread: overwritten in a full FIFO, or acknowledged by another master."""
    return DeviceTold(
        what="reads_lost", detail=f"{count} card reads were overwritten before secd read them", count=count
    )


def _watchdog(before: Snapshot | None, now: Snapshot, sight: Sight) -> Iterator[Observation]:
    tripped = now.header.cabinet.watchdog_tripped
    if tripped and (before is None or sight.initial or not before.header.cabinet.watchdog_tripped):
        detail = f"nobody asked it for {now.watchdog_tenths / 10:g} s: its relays took their safe states"
        yield sight.tell(DeviceTold(what="watchdog_tripped", detail=detail))


def _inputs(before: Snapshot | None, now: Snapshot, sight: Sight) -> Iterator[Observation]:
    for at, after in enumerate(now.inputs):
        if before is None:
            activations = after.pending
        else:
            activations = after.activations - before.inputs[at].activations
            if activations < 0:
                raise PeerViolation(f"the counter of input {at + 1} fell without a restart")
        if sight.initial or before is None or activations or after.state is not before.inputs[at].state:
            fact = PointChanged(
                point=f"input/{at + 1}", state=after.state, activations=activations, initial=sight.initial
            )
            yield sight.tell(fact, age_s=_press_age_s(now, at, activations))


def _press_age_s(now: Snapshot, at: int, activations: int) -> float:
    """How long ago the first of the new activations was; the newest, where older pending ones were told before."""
    if not now.ages or not activations:
        return 0.0
    age = now.ages[at]
    return (age.first_tenths if activations == now.inputs[at].pending else age.last_tenths) / 10


def _outputs(before: Snapshot | None, now: Snapshot, sight: Sight, touched: Collection[int]) -> Iterator[Observation]:
    for at, relay in enumerate(now.relays):
        same = before is not None and (before.relays[at].energised, before.relays[at].pulsing) == (
            relay.energised,
            relay.pulsing,
        )
        if not same or sight.initial or at + 1 in touched:
            yield sight.tell(
                OutputRead(output=at + 1, energised=relay.energised, pulsing=relay.pulsing, initial=sight.initial)
            )


def _cabinet(before: Snapshot | None, now: Snapshot, sight: Sight) -> Iterator[Observation]:
    known = {} if before is None else before.cabinet_points()
    for point, state in now.cabinet_points().items():
        if sight.initial or known.get(point) is not state:
            yield sight.tell(PointChanged(point=point, state=state, initial=sight.initial))
