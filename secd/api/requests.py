"""The bodies of commands, as a client must send them; also the schemas of the OpenAPI document."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Line = Annotated[str, StringConstraints(max_length=200)]


class Body(BaseModel):
    """Base of every request body: unknown members and other types refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DoorCommand(Body):
    """release or lock a door; `until` holds it locked."""

    reason: Reason
    until: AwareDatetime | None = None


class UnlockCommand(Body):
    """unlock a door until a moment: every override has an end (S19)."""

    reason: Reason
    until: AwareDatetime


class LevelCommand(Body):
    """Set or end a threat level in an area. Where ending it takes two operators, each gives this command (S3)."""

    reason: Reason
    level: Line = "lockdown"
    area: Line


class FireCommand(Body):
    """Say that a fire zone is over; its panel must have reset (S16)."""

    reason: Reason


class PointCommand(Body):
    """Take a panic point out of service: two operators each give this command, naming one work order (S13)."""

    reason: Reason
    until: AwareDatetime
    work_order: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class OverrideCommand(Body):
    """End an override before its end; `override` is its key in the list, such as shunt/east-entrance."""

    reason: Reason
    override: Line


class HandOverCommand(Body):
    """Hand the shift over: everything that stands goes on record."""

    reason: Reason
    to: Line = ""


class AlarmCommand(Body):
    """Acknowledge or close an alarm at the revision that was seen; an older one is refused as stale."""

    rev: Annotated[int, Field(ge=0, le=2**53)]
    note: Annotated[str, StringConstraints(max_length=500)] = ""


class ReloadCommand(Body):
    """Reload the site's files. `approve`: the digest of a dangerous edit that another operator asked for (S18)."""

    reason: Reason
    approve: Line = ""


Technician = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)]


class StepWatch(Body):
    """Wait for what a step of commissioning awaits; `since`: the mark that the last answer brought."""

    technician: Technician
    since: Annotated[int, Field(ge=0, le=2**53)]
    limit_s: Annotated[float, Field(gt=0, le=300)] | None = None


class StepAnswer(Body):
    """What the person who stands there saw."""

    technician: Technician
    yes: bool
    note: Line = ""


class StepSkip(Body):
    """Leave a step out; why is put on record."""

    technician: Technician
    reason: Reason


class SignCommand(Body):
    """Sign for a door or panic point that was tried in every step."""

    technician: Technician


class ClockCommand(Body):
    """Believe the wall clock again (S10)."""

    reason: Reason


def utc_text(moment: datetime | None) -> str | None:
    """A moment as ISO text, or None."""
    return None if moment is None else moment.isoformat()
