"""A loaded site: its values, where each was written, and the digest it is known by."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from secd.config.source import visible
from secd.config.tree import Branch, Listing, Node, Scalar
from secd.config.types import Finding
from secd.model.errors import Problem
from secd.model.names import Digest

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[str, int, int]
"""File name, line, column."""


@dataclass(slots=True, kw_only=True)
class Written:
    """The sections of all files put together. `whole`: a directory, so what is not here is nowhere."""

    shown: str
    whole: bool
    sections: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)

    def names(self, section: str) -> Iterable[str]:
        """The names a section gives: its keys, or the texts of a list."""
        node = self.sections[section][1] if section in self.sections else None
        if isinstance(node, Branch):
            return node.pairs
        return [item.text for item in node.items if isinstance(item, Scalar)] if isinstance(node, Listing) else []

    def node(self, path: Path, *, key_wanted: bool = False) -> Node | None:
        """The node to point at for a path, or for the nearest above it that was written."""
        if not path or str(path[0]) not in self.sections:
            return None
        key: Scalar | None
        key, node = self.sections[str(path[0])]
        for step in path[1:]:
            if isinstance(node, Branch) and str(step) in node.pairs:
                key, node = node.pairs[str(step)]
            elif isinstance(node, Listing) and isinstance(step, int) and 0 <= step < len(node.items):
                key, node = None, node.items[step]
            else:
                break
        return key if key_wanted and key is not None else place_of(node, key)

    def problem(self, finding: Finding, *, on_key: bool = False) -> Problem:
        """A finding at its place; at the whole site where it has none."""
        node = self.node(finding.path, key_wanted=on_key)
        if node is None:
            return Problem(
                path=self.shown, line=1, column=1, message=visible(finding.message), expected=visible(finding.expected),
                code=finding.code, severity=finding.severity,
            )  # fmt: skip
        problem = node.source.problem(
            node.line, node.column, finding.message, finding.expected, finding.code or "refused"
        )
        return replace(problem, severity=finding.severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSite:
    """A whole configuration, understood. `values`: section key -> {name: settings}, or the settings, or None.

    `digest` is the SHA-256 over the sorted (file name, content); `files` are the bytes it was read from.
    """

    values: Mapping[str, Any]
    digest: Digest
    files: Mapping[str, bytes]
    warnings: tuple[Problem, ...] = ()
    written: Written = field(repr=False, compare=False)

    def locate(self, path: Path) -> Place:
        """Where a path such as ("doors", "east", "egress") was written, or the nearest above it; ("", 1, 1) if nowhere."""
        node = self.written.node(path)
        return (node.source.name, node.line, node.column) if node is not None else ("", 1, 1)

    def problem(self, finding: Finding) -> Problem:
        """A mistake found after loading, at its place."""
        return self.written.problem(finding)


def place_of(node: Node, key: Scalar | None) -> Node:
    """Where to point: at a text itself, at the key of a mapping, a list or nothing."""
    return node if key is None or (isinstance(node, Scalar) and not node.empty) else key


def site_digest(files: Mapping[str, bytes]) -> Digest:
    """SHA-256 over the sorted (name, content) of a site's files."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode("utf-8", errors="surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return Digest(digest.hexdigest())
