"""Judge the stored log again: the same inputs under the same policies must give the same findings.

In: stored steps in order, and the tables of each policy generation. Out: where the log and the judge differ. Every input
of the judge is in the log, so a difference is a bug, an altered log or a missing generation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from secd.engine.loop import later_of
from secd.model.event import Event
from secd.model.facts import PolicyActivated
from secd.model.names import Digest, EventId
from secd.model.time import Instant
from secd.policies.compile import Tables
from secd.policies.judge import JudgeState, decide

DIFFERENCES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stored input, the policy that judged it and the findings stored with it."""

    event: Event
    policy: Digest
    findings: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A step whose findings are not those stored."""

    event: EventId
    stored: tuple[str, ...]
    replayed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many steps and findings were judged again, and the first differences."""

    steps: int
    findings: int
    differences: tuple[Difference, ...]


def replay(steps: Iterable[Step], tables_of: Callable[[Digest], Tables]) -> Replayed:
    """Fold the judge over `steps` from an empty state."""
    state = JudgeState()
    now: Instant | None = None
    count = findings = 0
    differences: list[Difference] = []
    for step in steps:
        tables = tables_of(_policy_at(step))
        now = step.event.detected if now is None else later_of(now, step.event.detected)
        verdict = decide(tables, state, step.event, now)
        state.apply(verdict)
        count += 1
        findings += len(verdict.findings)
        if verdict.findings != step.findings and len(differences) < DIFFERENCES_MAX:
            differences.append(
                Difference(event=step.event.id, stored=_told(step.findings), replayed=_told(verdict.findings))
            )
    return Replayed(steps=count, findings=findings, differences=tuple(differences))


def _policy_at(step: Step) -> Digest:
    # An activation is judged under the tables it brings.
    return step.event.fact.digest if isinstance(step.event.fact, PolicyActivated) else step.policy


def _told(findings: tuple[Event, ...]) -> tuple[str, ...]:
    return tuple(f"{finding.kind} {finding.subject} {finding.fact!r}" for finding in findings)
