"""A card at a reader: identified, judged, answered. The only place where a read leads to a release.

In: `access.requested`. Out: granted, denied or late, the reader's signal, and a release where it was granted. A late read
releases nothing (S8). At the reader on the inside nobody is refused (S5).
"""

from secd.model.event import Event
from secd.model.facts import AccessDecided, CardPresented
from secd.model.names import AreaId, DoorId
from secd.model.order import SignalReader
from secd.model.time import Instant
from secd.policies.access.decision import Outcome, unfit
from secd.policies.doors.interlock import doors_against
from secd.policies.doors.passage import release
from secd.policies.doors.state import Grant
from secd.policies.overrides.permits import reader_is_disabled
from secd.policies.step import Step
from secd.policies.tables import DoorTable

LATE_S = 2.0


def is_late(event: Event, now: Instant) -> bool:
    """Whether something is too old to act on: by its own age, by a gap before it, or by having waited for us (S8)."""
    age_s = (event.detected.utc - event.occurred).total_seconds() + max(0.0, now.mono_s - event.detected.mono_s)
    return event.late or event.after_gap or age_s > LATE_S


def present_card(step: Step, card: CardPresented, now: Instant) -> None:
    """Judge one read."""
    table = step.table(card.door)
    if is_late(step.event, now):
        found = step.tables.access.identify(card.keys)
        outcome = found if isinstance(found, Outcome) else Outcome(found[1].id, "", None, found[2])
        _tell(step, "access.read_late", card, outcome._replace(reason="read_late"))
    elif table is None:
        _tell(step, "access.denied", card, Outcome(None, "unknown_door", None))
    elif table.exit_reader and card.reader == table.exit_reader:
        _let_out(step, table, card)
    else:
        _let_in(step, table, card)


def _let_in(step: Step, table: DoorTable, card: CardPresented) -> None:
    outcome = step.tables.access.decide(
        card.door,
        card.keys,
        step.at.utc,
        [level.admit for level in step.levels_of(card.door)],
        store_failed=table.deny_on_store_failure and step.site().store_failed,
    )
    if not outcome.reason and reader_is_disabled(step, table.name):
        outcome = outcome._replace(reason="reader_disabled")
    elif not outcome.reason and doors_against(step, table):
        outcome = outcome._replace(reason="interlock")
    if outcome.reason:
        _tell(step, "access.denied", card, outcome, table.area)
        step.order(SignalReader(door=table.name, granted=False))
        return
    finding = _tell(step, "access.granted", card, outcome, table.area)
    _release(step, table, finding, outcome, out=False)


def _let_out(step: Step, table: DoorTable, card: CardPresented) -> None:
    """Nobody is held in (S5): whatever is wrong with the card is told, and the door is released all the same."""
    found = step.tables.access.identify(card.keys)
    if isinstance(found, Outcome):
        outcome = found
    else:
        credential, holder, formats = found
        outcome = Outcome(holder.id, unfit(credential, holder, step.at.utc), None, formats)
    kind = "exit.refused" if outcome.reason else "access.granted"
    _release(step, table, _tell(step, kind, card, outcome, table.area), outcome, out=True)


def _release(step: Step, table: DoorTable, finding: Event, outcome: Outcome, *, out: bool) -> None:
    holder = step.tables.people.holders.get(outcome.holder) if outcome.holder is not None else None
    duration_s = table.release_extended_s if holder is not None and holder.extended else table.release_s
    grant = Grant(event=finding.id, holder=outcome.holder, extra_s=duration_s - table.release_s, out=out)
    release(step, table, duration_s=duration_s, grant=grant)
    step.order(SignalReader(door=table.name, granted=True, exit=out))


def _tell(step: Step, kind: str, card: CardPresented, outcome: Outcome, area: AreaId | None = None) -> Event:
    return step.find(
        kind,
        DoorId(card.door),
        area if area is not None else step.event.area,
        AccessDecided(
            door=card.door,
            holder=outcome.holder,
            reason=outcome.reason,
            rule=outcome.rule,
            policy=step.tables.digest,
            masked=card.masked,
            formats=outcome.formats,
        ),
    )
