"""What the log says of who tried what: the steps that count, and whether a target is commissioned. Pure.

In: `commission.*` events, oldest first. Out: for each target its `Trial`, and its `Standing` on a day. A step counts until
the target is wired anew, or a newer trial of it is begun after one was completed.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from secd.model.event import Event
from secd.model.facts import CommissionTold

COMPLETED = "commission.completed"
RESULTS = {"commission.step_passed": "passed", "commission.step_failed": "failed", "commission.step_skipped": "skipped"}
KINDS = (*RESULTS, COMPLETED)
UNFINISHED_FOR = timedelta(days=7)
"""So long after its last step a trial may be gone on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as it was tried last: passed, failed or skipped; by which technician, under which operator's login."""

    step: str
    result: str
    at: datetime
    technician: str
    operator: str
    how: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One target's present trial, and when the last one was completed, by whom, as it was wired then."""

    wiring: str = ""
    steps: dict[str, StepRecord] = field(default_factory=dict)
    completed: datetime | None = None
    completed_by: str = ""
    completed_wiring: str = ""
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`state`: commissioned, not commissioned, retest due, or wired anew; `line` says it to a person."""

    state: str
    line: str
    at: datetime | None = None
    by: str = ""
    skipped: tuple[str, ...] = ()


class Records:
    """Every target's trial, kept up to date by each event as it is accepted."""

    def __init__(self) -> None:
        self._trials: dict[str, Trial] = {}

    def take(self, event: Event) -> None:
        """One more `commission.*` event; others are passed over."""
        if isinstance(event.fact, CommissionTold):
            self.note(event.kind, event.fact, event.occurred, event.author)

    def note(self, kind: str, told: CommissionTold, at: datetime, operator: str) -> None:
        """What such an event says."""
        trial = self._trials.get(told.target, Trial())
        if kind == COMPLETED:
            self._trials[told.target] = Trial(
                wiring=told.wiring, completed=at, completed_by=told.technician,
                completed_wiring=told.wiring, skipped=told.skipped,
            )  # fmt: skip
            return
        record = record_of(kind, told, at, operator)
        steps = trial.steps if trial.wiring == told.wiring else {}
        self._trials[told.target] = replace(trial, wiring=told.wiring, steps={**steps, told.step: record})

    def steps(self, target: str, wiring: str, now: datetime) -> dict[str, StepRecord]:
        """The steps of the present trial that still count."""
        trial = self._trials.get(target, Trial())
        newest = max((record.at for record in trial.steps.values()), default=None)
        if trial.wiring != wiring or newest is None or now - newest > UNFINISHED_FOR:
            return {}
        return trial.steps

    def standing(self, target: str, wiring: str, now: datetime, retest_every: timedelta) -> Standing:
        """Whether it is commissioned, and whether it is to be tried again."""
        trial = self._trials.get(target, Trial())
        if trial.completed is None:
            begun = " (begun)" if self.steps(target, wiring, now) else ""
            return Standing(state="not commissioned", line=f"not commissioned{begun}")
        day = trial.completed.date().isoformat()
        if trial.completed_wiring != wiring:
            return Standing(state="wired anew", line=f"wired anew since {day}: not commissioned")
        state = "commissioned" if now - trial.completed <= retest_every else "retest due"
        line = (
            f"{day} by {trial.completed_by}"
            if state == "commissioned"
            else f"retest due: last {day} by {trial.completed_by}"
        )
        if trial.skipped:
            line += f", without {', '.join(trial.skipped)}"
        return Standing(state=state, line=line, at=trial.completed, by=trial.completed_by, skipped=trial.skipped)


def record_of(kind: str, told: CommissionTold, at: datetime, operator: str) -> StepRecord:
    """An event as a line of the record."""
    return StepRecord(
        step=told.step, result=RESULTS.get(kind, "completed"), at=at, technician=told.technician,
        operator=operator, how=told.how, said=told.said,
    )  # fmt: skip
