"""Which event a fact is: tables, and the levels an input went through between two reports. Pure."""

from secd.model.doors import Role
from secd.model.facts import CameraSaw, InputState

FAULTS = frozenset({InputState.CUT, InputState.SHORT, InputState.UNKNOWN})

POINT_KINDS: dict[Role, tuple[str, str, str]] = {
    Role.CONTACT: ("door.opened", "door.closed", "door.contact_faulted"),
    Role.REX: ("exit.requested", "exit.ended", "exit.input_faulted"),
    Role.BOLT: ("door.bolt_withdrawn", "door.bolt_thrown", "door.bolt_faulted"),
    Role.PANIC: ("panic.activated", "panic.restored", "panic.faulted"),
    Role.FIRE: ("fire.activated", "fire.cleared", "fire.faulted"),
    Role.TAMPER: ("device.tampered", "device.tamper_restored", "device.tampered"),
    Role.READER_TAMPER: ("reader.tampered", "reader.tamper_restored", "reader.tampered"),
    Role.POWER: ("power.failed", "power.restored", "power.input_faulted"),
}
"""Per role: active (not the quiet state), normal, faulted. A cut tamper loop is tampering."""

CAMERA_KINDS: dict[tuple[str, bool], str] = {
    ("motion", True): "camera.motion_started",
    ("motion", False): "camera.motion_stopped",
    ("tamper", True): "camera.tampered",
    ("tamper", False): "camera.tamper_restored",
    ("digital_input", True): "camera.input_activated",
    ("digital_input", False): "camera.input_restored",
}
DEVICE_KINDS = {
    "restarted": "device.restarted",
    "reads_lost": "device.reads_lost",
    "refused": "device.refused",
    "watchdog_tripped": "device.watchdog_tripped",
    "clock_off": "device.clock_off",
    "replaced": "device.replaced",
    "no_events": "device.limited",
}
"""What a device told; whatever else it is, it misbehaved."""
ORDER_KINDS = {
    "done": "order.done",
    "failed": "order.failed",
    "expired": "order.expired",
    "abandoned": "order.abandoned",
}


def kind_of_point(role: Role, state: InputState) -> str | None:
    """The event of an input's level, `state` being after polarity; None for a role that has no levels."""
    kinds = POINT_KINDS.get(role)
    if kinds is None:
        return None
    active, normal, faulted = kinds
    return faulted if state in FAULTS else active if state is InputState.ACTIVE else normal


def kind_of_camera(fact: CameraSaw) -> str | None:
    """The event of a camera's own analytics."""
    return CAMERA_KINDS.get((fact.what, fact.active))


def levels_between(
    before: InputState | None, now: InputState, activations: int, *, inverted: bool
) -> tuple[InputState, ...]:
    """The levels an input went through since `before`, shortest account, as wired; the last one is `now`.

    A latched activation is an edge to ACTIVE, so a pulse shorter than the poll shows as ACTIVE and then NORMAL. Of an
    input never seen before, an edge proves that it was not active earlier; that matters where active is the quiet state.
    """
    active, normal = InputState.ACTIVE, InputState.NORMAL
    if activations == 0:
        return (now,)
    if now is not active:
        return (normal, active, now) if before is active and inverted else (active, now)
    if before is active or (before is None and inverted):
        return (normal, active)
    return (active, normal, active) if activations >= 2 else (active,)


def after_polarity(state: InputState, *, inverted: bool) -> InputState:
    """ACTIVE means "not the quiet state" from here on."""
    if not inverted or state in FAULTS:
        return state
    return InputState.NORMAL if state is InputState.ACTIVE else InputState.ACTIVE
