"""Every configuration that ever ran, kept outside the site's directory: to start with when the files are broken, and to
replay what was decided under it.

In: a `LoadedSite`. Out: directories that `load_site` reads. Each is named by when it was first kept and its digest, so the
list needs no file opened; one whose files no longer give its digest is passed over. Secrets are not copied. A crash at any
point leaves what was there: files are synced in a hidden directory, which is renamed, and `current` is switched last.
"""

import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from secd.config.site import LoadedSite, site_digest
from secd.config.source import FILE_BYTES_MAX, FILES_MAX
from secd.model.errors import SecdError
from secd.model.names import Digest
from secd.runtime.crashpoint import reached

CURRENT = "current"
CRASH_POINTS = ("generation_begun", "generation_written", "generation_named", "generation_pointed")

_NAME = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{64})")
_STAMP = "%Y%m%dT%H%M%SZ"
_UNFINISHED = ".unfinished-"


class NotKept(SecdError):
    """A configuration could not be kept; the ones before it are as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One kept configuration: where, since when, and the digest its name carries."""

    path: Path
    kept_at: datetime
    digest: Digest


class Generations:
    """The kept configurations in one directory. One process writes; any number may read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, site: LoadedSite, kept_at: datetime) -> Path:
        """Keep a site and make it the current one; a site that is kept already only becomes current."""
        try:
            path = self.get(site.digest)
            if path is None:
                path = self._write(site.files, site.digest, kept_at)
            self._point_at(path)
        except OSError as error:
            raise NotKept(f"the configuration cannot be kept in {self._directory}: {error.strerror}") from error
        return path

    def last_good(self) -> Path | None:
        """The current generation, or, where it is damaged, the newest that is whole."""
        for generation in sorted(
            self.list(), key=lambda kept: (kept.path == self._current(), kept.path.name), reverse=True
        ):
            if _is_whole(generation):
                return generation.path
        return None

    def get(self, digest: str) -> Path | None:
        """The directory of one digest, if it is kept and whole."""
        return next((kept.path for kept in self.list() if kept.digest == digest and _is_whole(kept)), None)

    def list(self) -> tuple[Generation, ...]:
        """All that are kept, oldest first, by their names alone."""
        try:
            paths = sorted(self._directory.iterdir())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise NotKept(f"{self._directory} cannot be read: {error.strerror}") from error
        return tuple(found for found in map(_named, paths) if found is not None)

    def _current(self) -> Path | None:
        try:
            return self._directory / (self._directory / CURRENT).readlink()
        except OSError:
            return None

    def _write(self, files: Mapping[str, bytes], digest: Digest, kept_at: datetime) -> Path:
        if any(not name.endswith(".yaml") or name.startswith(".") or "/" in name for name in files):
            raise NotKept("only a site that is a directory of *.yaml files can be kept")
        self._directory.mkdir(parents=True, exist_ok=True)
        for left in self._directory.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
        unfinished = self._directory / f"{_UNFINISHED}{digest}"
        unfinished.mkdir(mode=0o750)
        reached("generation_begun")
        for name, content in files.items():
            _write_synced(unfinished / name, content)
        _sync_directory(unfinished)
        reached("generation_written")
        final = self._directory / f"{kept_at.astimezone(UTC).strftime(_STAMP)}-{digest}"
        if final.exists():  # damaged: get() passed it over
            final.rename(self._directory / f".damaged-{final.name}-{os.urandom(4).hex()}")
        unfinished.rename(final)
        _sync_directory(self._directory)
        reached("generation_named")
        return final

    def _point_at(self, path: Path) -> None:
        pointer = self._directory / f".{CURRENT}"
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(path.name)
        reached("generation_pointed")
        pointer.rename(self._directory / CURRENT)
        _sync_directory(self._directory)


def _named(path: Path) -> Generation | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        kept_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Generation(path=path, kept_at=kept_at, digest=Digest(match[2]))


def _is_whole(generation: Generation) -> bool:
    """Whether the files still give the digest in the name; bounded, whatever lies there."""
    files: dict[str, bytes] = {}
    try:
        for entry in sorted(generation.path.iterdir()):
            if len(files) > FILES_MAX or not stat.S_ISREG(entry.lstat().st_mode):
                return False
            with entry.open("rb") as file:
                files[entry.name] = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        return False
    return site_digest(files) == generation.digest


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
