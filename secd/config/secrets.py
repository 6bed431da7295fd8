"""Secrets by reference: a systemd credential, a file beside the configuration, or an environment variable.

Out: a `Secret`, which prints masked. Refused: what is missing, empty, larger than 64 KB or not text.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import BaseModel

from secd.config.site import LoadedSite
from secd.config.types import Finding, SecretRef
from secd.model.errors import Problem, SecdError
from secd.model.secret import Secret

SECRET_BYTES_MAX = 65536


class SecretMissing(SecdError):
    """A secret cannot be had from where the configuration says it is. The text says where and why, never what."""


def resolve_secret(ref: SecretRef, *, base: Path, environ: Mapping[str, str]) -> Secret:
    """The secret itself; a file's path counts from `base`, the directory of the configuration."""
    if ref.environment is not None:
        return _checked(environ.get(ref.environment, ""), f"the environment variable {ref.environment}")
    path = _path(ref, base, environ)
    return _checked(_read(path), str(path))


def open_to_others(ref: SecretRef, *, base: Path, environ: Mapping[str, str]) -> bool:
    """Whether anyone but the owner's group can read a secret's file, or the group can write it."""
    if ref.file is None:
        return False
    try:
        mode = _path(ref, base, environ).stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH))


def secrets_of(site: LoadedSite) -> Iterator[tuple[tuple[str | int, ...], SecretRef]]:
    """Every secret a site names, with its place."""
    for key, value in site.values.items():
        yield from _secrets(value, (key,))


def check_secrets(
    site: LoadedSite, *, base: Path, environ: Mapping[str, str], simulated: bool = False
) -> tuple[Problem, ...]:
    """Warnings for secrets that are not where the site says, or that others can read."""
    found = []
    for path, ref in secrets_of(site):
        try:
            resolve_secret(ref, base=base, environ=environ)
        except SecretMissing as missing:
            found.append(_warning(site, path, str(missing), "a secret that the daemon can read", "secret_missing"))
        if not simulated and open_to_others(ref, base=base, environ=environ):
            found.append(_warning(site, path, f"others can read {ref.file}", "mode 0600", "secret_open"))
    return tuple(found)


def _warning(site: LoadedSite, path: tuple[str | int, ...], message: str, expected: str, code: str) -> Problem:
    return site.problem(Finding(path=path, message=message, expected=expected, code=code, severity="warning"))


def _path(ref: SecretRef, base: Path, environ: Mapping[str, str]) -> Path:
    if ref.credential is not None:
        directory = environ.get("CREDENTIALS_DIRECTORY", "")
        if not directory:
            raise SecretMissing(f"the credential {ref.credential} is not there: systemd gave no CREDENTIALS_DIRECTORY")
        return Path(directory) / ref.credential
    return base / str(ref.file)


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SecretMissing(f"{path} is not a regular file")
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise SecretMissing(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > SECRET_BYTES_MAX:
        raise SecretMissing(f"{path} is larger than {SECRET_BYTES_MAX} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretMissing(f"{path} is not UTF-8 text") from None


def _checked(text: str, where: str) -> Secret:
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretMissing(f"{where} is empty or not set")
    if len(text.encode("utf-8", errors="surrogateescape")) > SECRET_BYTES_MAX:
        raise SecretMissing(f"{where} is larger than {SECRET_BYTES_MAX} bytes")
    return Secret(text)


def _secrets(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], SecretRef]]:
    match value:
        case SecretRef():
            yield path, value
        case BaseModel():
            for name, info in type(value).model_fields.items():
                yield from _secrets(getattr(value, name), (*path, info.alias or name))
        case Mapping():
            for key, item in value.items():
                yield from _secrets(item, (*path, str(key)))
        case Sequence() | AbstractSet() if not isinstance(value, str):
            for index, item in enumerate(value):
                yield from _secrets(item, (*path, index))
        case _:
            return
