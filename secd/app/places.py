"""Where a running secd keeps things: systemd's directories, or one directory for everything."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Paths of one daemon. `spool` is a second place, used while the store cannot commit."""

    site: Path
    state: Path
    runtime: Path

    @property
    def store(self) -> Path:
        """The event store's database."""
        return self.state / "events.db"

    @property
    def spool(self) -> Path:
        """Entries that wait for the store, one JSON object a line."""
        return self.runtime / "spool.jsonl"

    @property
    def evidence(self) -> Path:
        """Pictures, by day."""
        return self.state / "evidence"

    @property
    def generations(self) -> Path:
        """Every accepted configuration."""
        return self.state / "generations"

    @property
    def approved(self) -> Path:
        """The digest of a dangerous edit that two operators approved and that waits for a restart."""
        return self.state / "approved-edit"

    @property
    def socket(self) -> Path:
        """The API's Unix socket."""
        return self.runtime / "secd.sock"


def find_places(
    site: Path, state: Path | None, runtime: Path | None, environ: Mapping[str, str] = os.environ
) -> Places:
    """What the command line said, else what systemd set (systemd.exec(5), STATE_DIRECTORY), else the usual paths."""
    return Places(
        site=site,
        state=state or Path(environ.get("STATE_DIRECTORY", "/var/lib/secd")),
        runtime=runtime or Path(environ.get("RUNTIME_DIRECTORY", "/run/secd")),
    )
