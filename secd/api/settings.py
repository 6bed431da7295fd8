"""Settings of operators and roles: who may do what over the socket.

The Unix socket's peer uid names the operator; a uid that no operator has is refused.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from secd.config.types import Finding, Name, Ref, Section, Settings, Text, Whole

Permission = Literal["see", "see_silent", "command_doors", "acknowledge", "commission", "administer"]


class OperatorSettings(Settings):
    """A person who works the system from this machine."""

    uid: Whole
    """The Unix user id whose connection is this operator."""
    roles: tuple[Annotated[Name, Ref("roles")], ...]
    label: Text | None = None


class RoleSettings(Settings):
    """What a role may do: see, see_silent (silent alarms too), command_doors, acknowledge,
    commission (try doors and panic points by hand; it releases the door that is tried), administer (reload, clock)."""

    may: tuple[Permission, ...]


def _check_operators(values: Mapping[str, Any]) -> list[Finding]:
    seen: dict[int, str] = {}
    found = []
    for name, operator in values["operators"].items():
        other = seen.setdefault(operator.uid, name)
        if other != name:
            found.append(
                Finding(
                    path=("operators", name, "uid"),
                    message=f"uid {operator.uid} is {other!r} already: every command must name one person",
                    expected="a uid of its own for each operator",
                    code="operator-uid-twice",
                )
            )
    return found


SECTIONS = (
    Section(key="operators", model=OperatorSettings, check=_check_operators),
    Section(key="roles", model=RoleSettings),
)
