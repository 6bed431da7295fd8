"""Who is asking, and may they: the peer's uid (SO_PEERCRED) is looked up among the operators."""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from secd.api.settings import OperatorSettings, RoleSettings
from secd.model.names import OperatorId

_UCRED = struct.Struct("3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator as this connection showed them to be."""

    id: OperatorId
    may: frozenset[str]


def peer_uid(peer: socket.socket) -> int:
    """The uid of the process at the other end of a Unix socket, as the kernel vouches for it (unix(7), SO_PEERCRED)."""
    _, uid, _ = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(uid)


def operators_by_uid(
    operators: Mapping[str, OperatorSettings], roles: Mapping[str, RoleSettings]
) -> dict[int, Operator]:
    """The lookup that a connection is held against."""
    return {
        settings.uid: Operator(
            id=OperatorId(name),
            may=frozenset(permission for role in settings.roles for permission in roles[role].may),
        )
        for name, settings in operators.items()
    }
