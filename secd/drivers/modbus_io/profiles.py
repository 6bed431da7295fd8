"""The boards this driver knows: one row each. A snapshot is what one poll of any of them says.

In: words of a status read. Out: a `Snapshot`. Raises the wire's MapViolation for words that no such board sends.
To add a board of ours: its register map in secd.wire and a row here; another vendor's needs a decoder of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from secd.model.facts import InputState
from secd.wire import door_controller, panic_panel
from secd.wire.door_controller import Relay
from secd.wire.panic_panel import PressAges
from secd.wire.registers import BoardInput, Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One poll. `ages` is empty where the board tells no ages of presses; `newest` and so on are of its card FIFO."""

    header: Header
    inputs: tuple[BoardInput, ...]
    relays: tuple[Relay, ...] = ()
    ages: tuple[PressAges, ...] = ()
    newest: int = 0
    acknowledged: int = 0
    watchdog_tenths: int = 0

    def cabinet_points(self) -> dict[str, InputState]:
        """The cabinet's own points (S17); ACTIVE is trouble: opened, or failed."""
        cabinet = self.header.cabinet
        troubles = {
            "tamper/1": cabinet.enclosure_open,
            "power/ac": cabinet.mains_failed,
            "power/battery": cabinet.battery_low,
        }
        if self.relays:
            troubles["power/lock"] = cabinet.lock_supply_failed
        return {point: InputState.ACTIVE if trouble else InputState.NORMAL for point, trouble in troubles.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One board. Of the `status_words` at 0 only the first `steady_words` change when something happened."""

    name: str
    status_words: int
    steady_words: int
    inputs: int
    relays: int
    readers: int
    acknowledge_activations: int
    decode: Callable[[Sequence[int]], Snapshot]

    @property
    def points(self) -> frozenset[str]:
        """Every point address of such a board; "" is the board itself."""
        cabinet = {"", "tamper/1", "power/ac", "power/battery", *(("power/lock",) if self.relays else ())}
        kinds = {"input": self.inputs, "output": self.relays, "reader": self.readers}
        return frozenset(cabinet | {f"{kind}/{at + 1}" for kind, count in kinds.items() for at in range(count)})


def _door_snapshot(words: Sequence[int]) -> Snapshot:
    status = door_controller.decode_status(words)
    return Snapshot(
        header=status.header,
        inputs=status.inputs,
        relays=status.relays,
        newest=status.newest,
        acknowledged=status.acknowledged,
        watchdog_tenths=status.watchdog_tenths,
    )


def _panel_snapshot(words: Sequence[int]) -> Snapshot:
    status = panic_panel.decode_status(words)
    return Snapshot(header=status.header, inputs=status.inputs, ages=status.ages)


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="secd-door-controller",
            status_words=door_controller.STATUS_WORDS,
            steady_words=door_controller.STEADY_WORDS,
            inputs=door_controller.INPUTS,
            relays=door_controller.RELAYS,
            readers=door_controller.READERS,
            acknowledge_activations=door_controller.ACKNOWLEDGE_ACTIVATIONS,
            decode=_door_snapshot,
        ),
        Profile(
            name="secd-panic-panel",
            status_words=panic_panel.STATUS_WORDS,
            steady_words=panic_panel.STEADY_WORDS,
            inputs=panic_panel.INPUTS,
            relays=0,
            readers=0,
            acknowledge_activations=panic_panel.ACKNOWLEDGE_ACTIVATIONS,
            decode=_panel_snapshot,
        ),
    )
}
