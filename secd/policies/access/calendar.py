"""Schedules as bits: one bit a minute, 2880 to a day, because a span may run past midnight and belongs to its first day.

In: compiled schedules, holidays and a zone. Out: whether a schedule holds at a moment, and when one next changes. Which
row applies: a dated exception, else the holiday types of the date, else the weekday. Wall clock rules: a minute that the
zone skips never holds, one that it repeats holds twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES = 1440
DAY = (1 << MINUTES) - 1
CLOSED = 0
DAYS_KEPT_MAX = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def span_bits(spans: Iterable[tuple[int, int]]) -> int:
    """Half-open (start, end) minutes as bits."""
    bits = 0
    for start, end in spans:
        bits |= (1 << end) - (1 << start)
    return bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Bits by weekday (Monday first), by holiday type and by date (its ordinal).

    `holidays` None: they change nothing. A type it does not list is closed; one that maps to None is an ordinary day.
    """

    week: tuple[int, ...]
    holidays: Mapping[str, int | None] | None
    exceptions: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A schedule, or every other time. `schedule` None is always."""

    schedule: str | None
    negated: bool = False


ALWAYS = Condition(schedule=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """All schedules of a site in its zone. `holidays`: the types of each special date, by ordinal."""

    zone: ZoneInfo
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    holidays: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def minutes_of(self, condition: Condition, ordinal: int) -> int:
        """The 1440 bits of one local date."""
        if condition.schedule is None:
            bits = DAY
        else:
            schedule = self.schedules[condition.schedule]
            bits = (self._starting(schedule, ordinal) | (self._starting(schedule, ordinal - 1) >> MINUTES)) & DAY
        return bits ^ DAY if condition.negated else bits

    def local(self, moment: datetime) -> tuple[int, int]:
        """The local date's ordinal and the minute of that day."""
        there = moment.astimezone(self.zone)
        return there.toordinal(), there.hour * 60 + there.minute

    def holds(self, condition: Condition, moment: datetime) -> bool:
        """Whether the condition holds at a moment (aware)."""
        ordinal, minute = self.local(moment)
        return bool(self.minutes_of(condition, ordinal) >> minute & 1)

    def next_change(self, conditions: Iterable[Condition], after: datetime, until: datetime) -> datetime | None:
        """The first moment in (after, until] at which any of these holds or no longer does; None if none changes."""
        wanted = tuple(conditions)
        before = [self.holds(condition, after) for condition in wanted]
        for moment in sorted(set(self._edges(wanted, after, until))):
            if after < moment <= until and [self.holds(condition, moment) for condition in wanted] != before:
                return moment
        return None

    def _starting(self, schedule: Schedule, ordinal: int) -> int:
        if ordinal in schedule.exceptions:
            return schedule.exceptions[ordinal]
        ordinary = schedule.week[(ordinal + 6) % 7]
        types = self.holidays.get(ordinal, ())
        if schedule.holidays is None or not types:
            return ordinary
        bits = -1
        for kind in types:
            special = schedule.holidays.get(kind, CLOSED)
            bits &= ordinary if special is None else special
        return bits

    def _edges(self, conditions: tuple[Condition, ...], after: datetime, until: datetime) -> Iterator[datetime]:
        first, _ = self.local(after)
        last, _ = self.local(until)
        for ordinal in range(first, last + 2):
            midnight = datetime.combine(date.fromordinal(ordinal), time(), self.zone)
            flips = {0}
            for condition in conditions:
                flips.update(flip_minutes(self.minutes_of(condition, ordinal)))
            for minute in flips:
                for fold in (0, 1):
                    wall = midnight.replace(hour=minute // 60, minute=minute % 60, fold=fold)
                    yield wall.astimezone(UTC)
            yield from self._offset_change(midnight)

    def _offset_change(self, midnight: datetime) -> Iterator[datetime]:
        start, end = midnight.astimezone(UTC) - timedelta(hours=3), midnight.astimezone(UTC) + timedelta(hours=27)
        offset = start.astimezone(self.zone).utcoffset()
        if end.astimezone(self.zone).utcoffset() == offset:
            return
        while end - start > _MINUTE:
            middle = start + (end - start) // 2
            middle -= (middle - _EPOCH) % _MINUTE
            if middle <= start:
                break
            if middle.astimezone(self.zone).utcoffset() == offset:
                start = middle
            else:
                end = middle
        yield end


def flip_minutes(bits: int) -> Iterator[int]:
    """The minutes at which a day's bits change, with 0 where the day starts set."""
    flips = (bits ^ (bits << 1)) & DAY
    while flips:
        lowest = flips & -flips
        yield lowest.bit_length() - 1
        flips ^= lowest
