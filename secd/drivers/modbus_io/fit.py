"""What a board cannot guarantee in the use it is put to: pure, the same for `secd check` and `secd devices fit`.

In: a profile and a `Use`: which of its points do what. Out: `Shortfall`s with the safety rule they touch and what to do
instead. An error is what docs/safety.md refuses; a warning is what a person has to know and may accept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from secd.config.modbus.format import Outputs, PerOutput, Profile, Pulse, PulseCoil

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockUse:
    """One relay that drives a lock. `accepted`: somebody accepts in writing that the door unlocks with its board (S4)."""

    output: int
    door: str = ""
    energise_to_unlock: bool = True
    release_s: float = 5.0
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a device's points are for. `latched_outside`: panic inputs whose buttons stay in; `end_of_line`: with a resistor."""

    locks: tuple[LockUse, ...] = ()
    panic_inputs: tuple[int, ...] = ()
    latched_outside: frozenset[int] = frozenset()
    end_of_line: frozenset[int] = frozenset()
    rex_inputs: tuple[int, ...] = ()
    readers: tuple[int, ...] = ()
    watchdog_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """One thing that a board does not do. `point` is the point it is about, "" for the whole board."""

    code: str
    severity: Severity
    rule: str
    point: str
    what: str
    remedy: str


def fit(profile: Profile, use: Use) -> tuple[Shortfall, ...]:
    """Everything that `profile` does not guarantee in this use, errors first."""
    found = [*_board(profile), *_inputs(profile, use), *_locks(profile, use), *_readers(profile, use)]
    return tuple(sorted(found, key=lambda one: one.severity))


def _board(profile: Profile) -> Iterator[Shortfall]:
    if profile.native is None and "untested on hardware" in profile.tested:
        yield Shortfall(
            code="untested", severity="warning", rule="", point="",
            what="its profile is made from the maker's papers: nobody has run it on the board itself",
            remedy="try every point on a bench before it guards a door, then say so in `tested`",
        )  # fmt: skip
    if profile.identity is None:
        yield Shortfall(
            code="no_identity", severity="warning", rule="", point="",
            what="it does not say who it is: another board at this address is noticed only if its registers differ",
            remedy="give the board an address of its own on a network of its own",
        )  # fmt: skip
    if profile.boot is None:
        yield Shortfall(
            code="restart_unseen", severity="warning", rule="S7", point="",
            what="it does not say that it started anew",
            remedy="nothing, unless its counters fall back: then secd notices",
        )  # fmt: skip


def _inputs(profile: Profile, use: Use) -> Iterator[Shortfall]:
    inputs = profile.inputs
    if inputs is None:
        return
    for number in use.panic_inputs:
        point = f"input/{number}"
        if inputs.latch is None and number not in use.latched_outside:
            yield Shortfall(
                code="input_not_latched", severity="error", rule="S11", point=point,
                what="a press shorter than a poll is not seen",
                remedy="a latching button (latched_by: button), or a board with counters or latches",
            )  # fmt: skip
        if number in use.end_of_line and not inputs.supervised:
            yield Shortfall(
                code="input_not_supervised", severity="error", rule="S11", point=point,
                what="it does not supervise its inputs, so an end-of-line resistor tells nothing",
                remedy="a board with supervised or measured inputs, or supervised: {kind: none} to accept it",
            )  # fmt: skip
        if inputs.latch is not None and number not in use.latched_outside:
            yield from _presses(profile, point)
    for number in use.rex_inputs:
        if inputs.latch is None:
            yield Shortfall(
                code="rex_not_latched", severity="warning", rule="S6", point=f"input/{number}",
                what="a request to exit shorter than a poll is not seen, and the opening is then called forced",
                remedy="a sensor that holds its contact for 500 ms, or a board with counters or latches",
            )  # fmt: skip


def _presses(profile: Profile, point: str) -> Iterator[Shortfall]:
    latch = None if profile.inputs is None else profile.inputs.latch
    if latch is None or profile.native is not None:
        return
    if latch.kind == "edge":
        yield Shortfall(
            code="presses_not_counted", severity="warning", rule="S11", point=point,
            what="it latches one press: three and eight look the same",
            remedy="a board with counters where the number of presses means something",
        )  # fmt: skip
        if latch.clear is not None and not latch.clear.each:
            yield Shortfall(
                code="clears_all", severity="warning", rule="S11", point=point,
                what="one write clears the latches of all inputs: a press that falls between reading and clearing is lost",
                remedy="latching buttons, or a board that clears each input by itself",
            )  # fmt: skip
    else:
        yield Shortfall(
            code="presses_unknown_at_start", severity="warning", rule="S11", point=point,
            what="its counters cannot be acknowledged: presses made while secd is not running are not told when it starts",
            remedy="latching buttons: a button that stays in is found active at the start",
        )  # fmt: skip


def _locks(profile: Profile, use: Use) -> Iterator[Shortfall]:
    outputs = profile.outputs
    if outputs is None or not use.locks:
        return
    for lock in use.locks:
        point = f"output/{lock.output}"
        yield from _silence(outputs, lock, point)
        yield from _power_up(outputs, lock, point)
        yield from _release(outputs, lock, point)
        if outputs.read_back is None:
            yield Shortfall(
                code="no_read_back", severity="warning", rule="S7", point=point,
                what="it does not say what its relays do: a relay set by another hand is never noticed",
                remedy="a board with read-back, and monitor the bolt",
            )  # fmt: skip
    watchdog = outputs.watchdog
    if watchdog is not None and watchdog.locks_writes:
        yield Shortfall(
            code="watchdog_locks", severity="warning", rule="S4", point="",
            what="after its watchdog went off it refuses every order until secd has cleared it",
            remedy="nothing: secd clears it with its first poll, and says so",
        )  # fmt: skip
    if watchdog is not None and watchdog.set_by == "register" and use.watchdog_s > watchdog.units_max * watchdog.unit:
        longest = watchdog.units_max * watchdog.unit
        yield Shortfall(
            code="watchdog_too_short", severity="warning", rule="S4", point="",
            what=f"its watchdog waits {longest:g} s at most, less than the {use.watchdog_s:g} s asked for",
            remedy=f"watchdog: {longest:g}s, if secd restarts within that",
        )  # fmt: skip


def _silence(outputs: Outputs, lock: LockUse, point: str) -> Iterator[Shortfall]:
    """What the relay does when secd is gone (S4)."""
    severity: Severity = "warning" if lock.accepted else "error"
    watchdog, locked = outputs.watchdog, not lock.energise_to_unlock
    if watchdog is None:
        yield Shortfall(
            code="no_watchdog", severity=severity, rule="S4", point=point,
            what="it has no watchdog: a door that is unlocked when secd or the network dies stays unlocked",
            remedy=_ACCEPT,
        )  # fmt: skip
    elif watchdog.safe == "vendor_tool" or watchdog.set_by == "vendor_tool":
        yield Shortfall(
            code="watchdog_by_tool", severity=severity, rule="S4", point=point,
            what="its watchdog or safe state is set with the maker's tool and secd cannot read it: it may not be the locked one",
            remedy=f"set it to {'energised' if locked else 'de-energised'} with the maker's tool and record who did; {_ACCEPT}",
        )  # fmt: skip
    elif not isinstance(watchdog.safe, PerOutput) and watchdog.safe != ("energised" if locked else "de-energised"):
        yield Shortfall(
            code="safe_state_unlocked", severity=severity, rule="S4", point=point,
            what=f"when it hears nobody, its relay {_RESTING[watchdog.safe]}, which is not the locked state of this door",
            remedy=_ACCEPT,
        )  # fmt: skip


def _power_up(outputs: Outputs, lock: LockUse, point: str) -> Iterator[Shortfall]:
    resting, locked = outputs.power_up, "de-energised" if lock.energise_to_unlock else "energised"
    if isinstance(resting, PerOutput) or resting == locked:
        return
    yield Shortfall(
        code="power_up_unknown" if resting in {"unknown", "vendor_tool"} else "power_up_unlocked",
        severity="warning" if lock.accepted else "error",
        rule="S4",
        point=point,
        what=f"when it starts, its relay {_RESTING[resting]}, which need not be the locked state of this door",
        remedy=_ACCEPT,
    )


def _release(outputs: Outputs, lock: LockUse, point: str) -> Iterator[Shortfall]:
    pulse = outputs.pulse
    if pulse is None or not _has_direction(pulse, energise=lock.energise_to_unlock):
        yield Shortfall(
            code="release_held_by_secd", severity="warning", rule="S4", point=point,
            what="it cannot time this release: secd holds the relay, and if it dies meanwhile the door stays released"
            " until a watchdog or a new start ends that",
            remedy="a board that times pulses itself, and short releases on this one",
        )  # fmt: skip
    elif isinstance(pulse, PulseCoil) and pulse.fixed is not None and abs(pulse.fixed - lock.release_s) > pulse.unit:
        yield Shortfall(
            code="release_length", severity="error", rule="S7", point=point,
            what=f"its pulses last {pulse.fixed:g} s, set with the maker's tool, and the door wants {lock.release_s:g} s",
            remedy=f"release: {pulse.fixed:g}s",
        )  # fmt: skip
    elif lock.release_s > pulse.units_max * pulse.unit:
        yield Shortfall(
            code="release_length", severity="error", rule="S7", point=point,
            what=f"it times pulses up to {pulse.units_max * pulse.unit:g} s, and the door wants {lock.release_s:g} s",
            remedy=f"a release of at most {pulse.units_max * pulse.unit:g}s",
        )  # fmt: skip


def _has_direction(pulse: Pulse, *, energise: bool) -> bool:
    return energise if isinstance(pulse, PulseCoil) else energise or pulse.off is not None


def _readers(profile: Profile, use: Use) -> Iterator[Shortfall]:
    cards = profile.cards
    if cards is None or cards.handshake == "fifo":
        return
    for number in use.readers:
        point = f"reader/{number}"
        yield Shortfall(
            code="one_card", severity="warning", rule="S8", point=point,
            what="it keeps one card"
            + (
                ": of two between two polls the first is lost, and secd is told how many"
                if cards.handshake == "sequence"
                else ", and reads no other until secd has stored that"
            ),
            remedy="a controller with a card FIFO at busy doors",
        )  # fmt: skip
        yield Shortfall(
            code="no_card_age", severity="warning", rule="S8", point=point,
            what="it does not say how old a card is: one read while the link was away releases nothing",
            remedy="nothing: the person presents the card again",
        )  # fmt: skip
        if profile.signals is None:
            yield Shortfall(
                code="no_signal", severity="warning", rule="", point=point,
                what="it cannot show a decision",
                remedy="a reader with an LED that secd may drive",
            )  # fmt: skip


_ACCEPT = "another board, or relay_loss: {accepted_by: ..., why: ...} at the door"
_RESTING = {
    "energised": "is energised",
    "de-energised": "is de-energised",
    "keeps": "stays as it was",
    "unknown": "does what the maker does not say",
    "vendor_tool": "does what the maker's tool has set",
}
