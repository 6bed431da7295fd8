"""Moments as a person types them: `18:30` (the next one), `2026-11-23 09:00`, or `+2h` from now."""

from datetime import datetime, timedelta

import click


class Moment(click.ParamType[datetime]):
    """A moment in this machine's zone, as an aware datetime."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read what was typed, or fail with what was expected."""
        from secd.runtime.clock import local_now  # late: `secd status` has no use for asyncio

        if isinstance(value, datetime):
            return value
        try:
            return read_moment(str(value), local_now())
        except ValueError as error:
            self.fail(f"{error}; or HH:MM, or +2h", param, ctx)


def read_moment(text: str, now: datetime) -> datetime:
    """`text` as an aware datetime after `now`'s zone; raises ValueError with what was expected."""
    from secd.config.types import parse_duration_s, parse_local_moment, parse_time_of_day  # late: it brings pydantic

    if text.startswith("+"):
        seconds = parse_duration_s(text[1:])
        assert isinstance(seconds, float)  # noqa: S101 -- text gives a float or raises
        return now + timedelta(seconds=seconds)
    if len(text) == 5 and text[2] == ":":
        at = parse_time_of_day(text)
        moment = datetime.combine(now.date(), at, now.tzinfo)  # type: ignore[arg-type]
        return moment if moment > now else moment + timedelta(days=1)
    moment = parse_local_moment(text)  # type: ignore[assignment]
    return moment.replace(tzinfo=None).astimezone()
