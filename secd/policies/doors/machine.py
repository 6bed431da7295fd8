"""THE DOOR MACHINE: one table, phase x input -> next phase and effects (S6, S7). Nothing is decided anywhere else.

In: what happened at a door, as one `DoorInput`. Out: the next phase and the effects to carry out, in order; `effects.py`
says what each does. What is not written in a phase's rows changes nothing. docs/door-machine.md is drawn from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What a door is doing. The `lost_` ones remember what was last seen of a contact that cannot be read now."""

    UNKNOWN = "unknown"
    LOST_SHUT = "lost_shut"
    LOST_OPEN = "lost_open"
    LOST_FORCED = "lost_forced"
    LOST_HELD = "lost_held"
    CLOSED = "closed"
    RELEASED = "released"
    UNEXPLAINED = "unexplained"
    UNEXPLAINED_SHUT = "unexplained_shut"
    OPEN = "open"
    WARNED = "warned"
    HELD = "held"
    FORCED = "forced"


class DoorInput(StrEnum):
    """What can happen. An opening comes with its reason: a grant, a request to exit, an unlocked lock, or none."""

    GRANTED = "granted"
    OPENED = "opened"
    OPENED_ON_GRANT = "opened_on_grant"
    OPENED_FOR_EXIT = "opened_for_exit"
    OPENED_FREELY = "opened_freely"
    CLOSED = "closed"
    READ_OPEN = "read_open"
    READ_CLOSED = "read_closed"
    CONTACT_LOST = "contact_lost"
    EXIT_REQUESTED = "exit_requested"
    RELEASE_OVER = "release_over"
    GRACE_OVER = "grace_over"
    WARN_DUE = "warn_due"
    ALARM_DUE = "alarm_due"
    MODE_LOCKED = "mode_locked"
    MODE_UNLOCKED = "mode_unlocked"
    LOCKDOWN = "lockdown"
    FIRE_OVER = "fire_over"


class Effect(StrEnum):
    """What a transition does besides changing the phase."""

    AWAIT_PASSAGE = "await_passage"
    TAKE = "take"
    ASSUME = "assume"
    NOT_TAKEN = "not_taken"
    PREEMPT = "preempt"
    FORGET = "forget"
    AWAIT_REASON = "await_reason"
    WATCH_HELD = "watch_held"
    WATCH_HELD_AGAIN = "watch_held_again"
    PAUSE_HELD = "pause_held"
    STOP_HELD = "stop_held"
    RELOCK = "relock"
    CUT = "cut"
    SHUT = "shut"
    EXITED = "exited"
    FORCED = "forced"
    WARN = "warn"
    HELD = "held"
    AWAY = "away"
    SECURED = "secured"
    NO_LONGER_HELD = "no_longer_held"
    STILL = "still"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where a door goes, and what is done on the way."""

    to: Phase
    effects: tuple[Effect, ...] = ()


_P, _I, _E = Phase, DoorInput, Effect
_Rows = Mapping[DoorInput, Transition]


def _go(to: Phase, *effects: Effect) -> Transition:
    return Transition(to, effects)


_AFTER_FIRE = {
    _P.LOST_FORCED: _E.FORCED, _P.LOST_HELD: _E.HELD, _P.HELD: _E.HELD, _P.FORCED: _E.FORCED
}  # fmt: skip
"""What was suppressed while a fire alarm stood, and is still so, is told when it is over."""
_OPENINGS = (_I.OPENED, _I.OPENED_FREELY, _I.OPENED_FOR_EXIT, _I.READ_OPEN)
_CLOSINGS = (_I.CLOSED, _I.READ_CLOSED)


def _any(inputs: tuple[DoorInput, ...], to: Phase, *effects: Effect) -> _Rows:
    return dict.fromkeys(inputs, _go(to, *effects))


def _unread(phase: Phase) -> _Rows:
    """A contact that cannot be read: a release is given all the same, but nothing is said of its passage."""
    return {
        _I.GRANTED: _go(phase, _E.AWAIT_PASSAGE),
        _I.RELEASE_OVER: _go(phase, _E.FORGET),
        _I.LOCKDOWN: _go(phase, _E.CUT, _E.FORGET),
    }


_OPENED_WITH_REASON: _Rows = {
    _I.OPENED_ON_GRANT: _go(_P.OPEN, _E.TAKE, _E.RELOCK, _E.WATCH_HELD),
    _I.OPENED_FOR_EXIT: _go(_P.OPEN, _E.EXITED, _E.RELOCK, _E.WATCH_HELD),
    _I.OPENED_FREELY: _go(_P.OPEN, _E.RELOCK, _E.WATCH_HELD),
}
_STANDING_OPEN: _Rows = {
    _I.OPENED_ON_GRANT: _go(_P.OPEN, _E.ASSUME),
    _I.GRANTED: _go(_P.OPEN, _E.ASSUME, _E.WATCH_HELD),
    **_any(_CLOSINGS, _P.CLOSED, _E.RELOCK, _E.STOP_HELD, _E.SHUT),
    _I.FIRE_OVER: _go(_P.OPEN, _E.WATCH_HELD_AGAIN),
    _I.CONTACT_LOST: _go(_P.LOST_OPEN, _E.PAUSE_HELD),
    _I.ALARM_DUE: _go(_P.HELD, _E.HELD),
    _I.MODE_UNLOCKED: _go(_P.OPEN, _E.STOP_HELD),
    _I.LOCKDOWN: _go(_P.OPEN, _E.CUT),
}

_WRITTEN: dict[Phase, _Rows] = {
    _P.UNKNOWN: {
        **_unread(_P.UNKNOWN),
        **_any(_OPENINGS, _P.OPEN, _E.WATCH_HELD),
        **_OPENED_WITH_REASON,
        **_any(_CLOSINGS, _P.CLOSED, _E.SHUT),
    },
    _P.LOST_SHUT: {
        **_unread(_P.LOST_SHUT),
        _I.OPENED: _go(_P.OPEN, _E.AWAY, _E.RELOCK, _E.WATCH_HELD),
        _I.READ_OPEN: _go(_P.OPEN, _E.AWAY, _E.RELOCK, _E.WATCH_HELD),
        **_OPENED_WITH_REASON,
        **_any(_CLOSINGS, _P.CLOSED, _E.SHUT),
    },
    _P.LOST_OPEN: {
        **_unread(_P.LOST_OPEN),
        **_any(_OPENINGS, _P.OPEN, _E.WATCH_HELD),
        _I.OPENED_ON_GRANT: _go(_P.OPEN, _E.ASSUME, _E.WATCH_HELD),
        **_any(_CLOSINGS, _P.CLOSED, _E.STOP_HELD, _E.SHUT),
        _I.MODE_UNLOCKED: _go(_P.LOST_OPEN, _E.STOP_HELD),
    },
    _P.LOST_FORCED: {
        **_unread(_P.LOST_FORCED),
        **_any(_OPENINGS, _P.FORCED, _E.STILL),
        _I.OPENED_ON_GRANT: _go(_P.FORCED, _E.ASSUME, _E.STILL),
        **_any(_CLOSINGS, _P.CLOSED, _E.STOP_HELD, _E.SECURED, _E.SHUT),
    },
    _P.LOST_HELD: {
        **_unread(_P.LOST_HELD),
        **_any(_OPENINGS, _P.HELD, _E.STILL),
        _I.OPENED_ON_GRANT: _go(_P.HELD, _E.ASSUME, _E.STILL),
        **_any(_CLOSINGS, _P.CLOSED, _E.STOP_HELD, _E.SECURED, _E.SHUT),
        _I.MODE_UNLOCKED: _go(_P.LOST_OPEN, _E.STOP_HELD, _E.NO_LONGER_HELD),
    },
    _P.CLOSED: {
        _I.GRANTED: _go(_P.RELEASED, _E.AWAIT_PASSAGE),
        _I.OPENED: _go(_P.UNEXPLAINED, _E.AWAIT_REASON),
        **_OPENED_WITH_REASON,
        _I.READ_OPEN: _go(_P.OPEN, _E.AWAY, _E.RELOCK, _E.WATCH_HELD),
        _I.CONTACT_LOST: _go(_P.LOST_SHUT),
        _I.RELEASE_OVER: _go(_P.CLOSED, _E.FORGET),
        _I.LOCKDOWN: _go(_P.CLOSED, _E.CUT, _E.FORGET),
    },
    _P.RELEASED: {
        _I.GRANTED: _go(_P.RELEASED, _E.AWAIT_PASSAGE),
        **_any((_I.OPENED, _I.READ_OPEN), _P.OPEN, _E.TAKE, _E.RELOCK, _E.WATCH_HELD),
        **_OPENED_WITH_REASON,
        _I.CONTACT_LOST: _go(_P.LOST_SHUT),
        _I.RELEASE_OVER: _go(_P.CLOSED, _E.NOT_TAKEN),
        _I.LOCKDOWN: _go(_P.CLOSED, _E.CUT, _E.PREEMPT),
    },
    _P.UNEXPLAINED: {
        _I.GRANTED: _go(_P.UNEXPLAINED, _E.ASSUME),
        _I.OPENED_ON_GRANT: _go(_P.UNEXPLAINED, _E.ASSUME),
        **_any(_CLOSINGS, _P.UNEXPLAINED_SHUT),
        _I.CONTACT_LOST: _go(_P.LOST_FORCED, _E.FORCED),
        _I.EXIT_REQUESTED: _go(_P.OPEN, _E.EXITED, _E.WATCH_HELD),
        _I.GRACE_OVER: _go(_P.FORCED, _E.FORCED),
        _I.LOCKDOWN: _go(_P.UNEXPLAINED, _E.CUT),
    },
    _P.UNEXPLAINED_SHUT: {
        _I.GRANTED: _go(_P.RELEASED, _E.FORCED, _E.SECURED, _E.SHUT, _E.AWAIT_PASSAGE),
        **_any((*_OPENINGS, _I.OPENED_ON_GRANT), _P.UNEXPLAINED),
        _I.CONTACT_LOST: _go(_P.LOST_FORCED, _E.FORCED),
        _I.EXIT_REQUESTED: _go(_P.CLOSED, _E.EXITED, _E.SHUT),
        _I.GRACE_OVER: _go(_P.CLOSED, _E.FORCED, _E.SECURED, _E.SHUT),
        _I.LOCKDOWN: _go(_P.UNEXPLAINED_SHUT, _E.CUT),
    },
    _P.OPEN: {
        **_STANDING_OPEN,
        _I.WARN_DUE: _go(_P.WARNED, _E.WARN),
        _I.MODE_LOCKED: _go(_P.OPEN, _E.WATCH_HELD_AGAIN),
    },
    _P.WARNED: {
        **_STANDING_OPEN,
        _I.GRANTED: _go(_P.WARNED, _E.ASSUME, _E.WATCH_HELD),
        _I.OPENED_ON_GRANT: _go(_P.WARNED, _E.ASSUME),
        _I.LOCKDOWN: _go(_P.WARNED, _E.CUT),
    },
    _P.HELD: {
        _I.GRANTED: _go(_P.HELD, _E.ASSUME),
        _I.OPENED_ON_GRANT: _go(_P.HELD, _E.ASSUME),
        **_any(_CLOSINGS, _P.CLOSED, _E.RELOCK, _E.STOP_HELD, _E.SECURED, _E.SHUT),
        _I.CONTACT_LOST: _go(_P.LOST_HELD, _E.PAUSE_HELD),
        _I.MODE_UNLOCKED: _go(_P.OPEN, _E.STOP_HELD, _E.NO_LONGER_HELD),
        _I.LOCKDOWN: _go(_P.HELD, _E.CUT),
    },
    _P.FORCED: {
        _I.GRANTED: _go(_P.FORCED, _E.ASSUME),
        _I.OPENED_ON_GRANT: _go(_P.FORCED, _E.ASSUME),
        **_any(_CLOSINGS, _P.CLOSED, _E.RELOCK, _E.STOP_HELD, _E.SECURED, _E.SHUT),
        _I.CONTACT_LOST: _go(_P.LOST_FORCED),
        _I.LOCKDOWN: _go(_P.FORCED, _E.CUT),
    },
}

TABLE: dict[tuple[Phase, DoorInput], Transition] = {
    (phase, happened): _WRITTEN[phase].get(happened, Transition(phase)) for phase in Phase for happened in DoorInput
} | {(phase, DoorInput.FIRE_OVER): _go(phase, told) for phase, told in _AFTER_FIRE.items()}
