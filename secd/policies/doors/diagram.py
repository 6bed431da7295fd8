"""docs/door-machine.md, drawn from the table, so that the page cannot say anything else than the code does."""

from secd.policies.doors.machine import TABLE, DoorInput, Effect, Phase

PHASES: dict[Phase, str] = {
    Phase.UNKNOWN: "never read, or there is no contact",
    Phase.LOST_SHUT: "cannot be read; shut when last seen",
    Phase.LOST_OPEN: "cannot be read; open when last seen",
    Phase.LOST_FORCED: "cannot be read; forced when last seen",
    Phase.LOST_HELD: "cannot be read; held open when last seen",
    Phase.CLOSED: "shut",
    Phase.RELEASED: "shut, and somebody may pass",
    Phase.UNEXPLAINED: "open without a reason, for at most `rex_grace`",
    Phase.UNEXPLAINED_SHUT: "was open without a reason and is shut again, within `rex_grace`",
    Phase.OPEN: "open for a reason",
    Phase.WARNED: "open so long that it warned",
    Phase.HELD: "open so long that it alarmed",
    Phase.FORCED: "opened without a reason",
}
EFFECTS: dict[Effect, str] = {
    Effect.AWAIT_PASSAGE: "wait for the door to open, as long as the release runs and a second more",
    Effect.TAKE: "`access.taken`: taken, or shared_opening where several grants wait",
    Effect.ASSUME: "`access.taken`: assumed, or shared_opening where somebody passed in this opening",
    Effect.NOT_TAKEN: "`access.not_taken`",
    Effect.PREEMPT: "`access.not_taken`: preempted",
    Effect.FORGET: "`access.not_known`: whether the grant was used cannot be seen",
    Effect.AWAIT_REASON: "wait `rex_grace` for a request to exit",
    Effect.WATCH_HELD: "start the held-open times, unless the door is unlocked",
    Effect.WATCH_HELD_AGAIN: "start the held-open times anew",
    Effect.PAUSE_HELD: "hold the held-open times; they go on from the opening",
    Effect.STOP_HELD: "end the held-open times",
    Effect.RELOCK: "cut the release short: at an opening with `relock: on_open`, at a closing always",
    Effect.CUT: "cut the release short at once",
    Effect.SHUT: "the opening is over; the bolt, where there is one, must follow",
    Effect.EXITED: "`door.exited`; the request to exit is used up",
    Effect.FORCED: "`door.forced_open`",
    Effect.WARN: "`door.held_warned`",
    Effect.HELD: "`door.held_open`",
    Effect.AWAY: "`door.opened_while_away`, unless the door is unlocked or a request to exit explains it",
    Effect.SECURED: "`door.secured`: its alarms' cause is gone",
    Effect.NO_LONGER_HELD: "`door.secured`: an unlocked door may stand open",
    Effect.STILL: "its alarm's cause was seen again",
}
_HEAD = """# The door machine

Drawn from the table in `secd/policies/doors/machine.py`; do not edit. An input that is not written for a phase changes nothing.
Mode (our intent), contact, relay and bolt are separate facts; this machine is the contact's.
"""


def door_machine_page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_drawing(), "", *_phases(), "", *_effects(), "", *_rows(), ""])


def _drawing() -> list[str]:
    arrows: dict[tuple[Phase, Phase], list[str]] = {}
    for (phase, happened), transition in TABLE.items():
        if transition.to is not phase:
            arrows.setdefault((phase, transition.to), []).append(happened.value)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> unknown"]
    lines += [f"    {start} --> {end}: {', '.join(inputs)}" for (start, end), inputs in arrows.items()]
    return [*lines, "```"]


def _phases() -> list[str]:
    return ["| phase | means |", "|---|---|", *(f"| {phase} | {PHASES[phase]} |" for phase in Phase)]


def _effects() -> list[str]:
    return ["| effect | does |", "|---|---|", *(f"| {effect} | {EFFECTS[effect]} |" for effect in Effect)]


def _rows() -> list[str]:
    lines = ["| phase | input | goes to | effects, in order |", "|---|---|---|---|"]
    for phase in Phase:
        for happened in DoorInput:
            transition = TABLE[phase, happened]
            if transition.to is not phase or transition.effects:
                effects = ", ".join(transition.effects) or "none"
                lines.append(f"| {phase} | {happened} | {transition.to} | {effects} |")
    return lines
