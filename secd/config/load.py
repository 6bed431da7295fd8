"""A site's YAML to checked settings, or every mistake at once.

In: a directory (all its `*.yaml`, any number, any order; not `*.test.yaml`, not what lies in folders) or one file, and the
table of sections that the rooms own. Out: a `LoadedSite`. Refused: anything that is not understood, by `ConfigError`.
One file alone is judged by what it holds: sections it does not hold are not missed, nor names from them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from secd.config.explain import explain
from secd.config.plain import plain_value
from secd.config.references import references
from secd.config.shapes import ScalarShape, Shape, shape_of
from secd.config.site import LoadedSite, Written, site_digest
from secd.config.source import FILES_MAX, SITE_BYTES_MAX, read_source
from secd.config.tree import Branch, Hole, Node, Scalar, parse_tree
from secd.config.types import Finding, Ref, Section
from secd.config.words import did_you_mean, kind_of, quote
from secd.model.errors import ConfigError, Problem

__all__ = ["LoadedSite", "load_site", "site_digest"]

PROBLEMS_MAX = 500
GUESSES_MAX = 100
TRIED_MAX = 2000
"""After so many mistakes the rest of a site is not looked at."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NAMES_LOST = frozenset({"merge_key", "empty_key", "alias"})
_NAME_WORDS = "a name: letters, digits, hyphen, dot, underscore; at most 64"


def load_site(path: Path, sections: Sequence[Section]) -> LoadedSite:
    """Read, understand and check a site; raises `ConfigError` with every problem."""
    loading = _Loading(path, sections)
    loading.read()
    loading.validate()
    if not loading.torn:
        loading.resolve()
        loading.complete()
        loading.check()
    return loading.finish()


class _NotKnownError(Exception):
    """A check asked for a section that has mistakes of its own, or that lies in a file which was not given."""


class _KnownValues(Mapping[str, Any]):
    """The site as a check sees it: asking for what is not known ends that check."""

    def __init__(self, values: Mapping[str, Any], unknown: frozenset[str]) -> None:
        self._values = values
        self._unknown = unknown

    def __getitem__(self, key: str) -> Any:
        if key in self._unknown:
            raise _NotKnownError(key)
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Loading:
    """One run over one site; every step adds to `problems` and goes on.

    `raw` is what was written, as plain values; `unsound` are the sections with mistakes; `flawed`: some file's YAML was not
    taken as it stands, so no check can judge the site; `torn`: names may be missing, so not even references are judged.
    """

    def __init__(self, path: Path, sections: Sequence[Section]) -> None:
        self.path = path
        self.sections = {section.key: section for section in sections}
        self.problems: list[Problem] = []
        self.files: dict[str, bytes] = {}
        self.written = Written(shown=str(path), whole=not path.is_file())
        self.values: dict[str, Any] = {section.key: {} if section.many else None for section in sections}
        self.raw: dict[str, Any] = {}
        self.unsound: set[str] = set()
        self.torn = False
        self.flawed = False
        self.guesses = 0
        self.names: dict[tuple[Ref, ...], tuple[str, Mapping[str, None] | None]] = {}

    def read(self) -> None:
        """Every file's tree, and the sections of all of them put together."""
        for path in self._paths():
            self.files[path.name], source = read_source(path, path.name)
            if sum(map(len, self.files.values())) > SITE_BYTES_MAX:
                self._at_site(f"more than {SITE_BYTES_MAX} bytes in all", "less", "too_large")
                return
            if isinstance(source, Problem):
                self.problems.append(source)
                self.torn = True
                continue
            root, problems = parse_tree(source)
            self.problems.extend(problems)
            self.torn = self.torn or root is None or any(problem.code in _NAMES_LOST for problem in problems)
            self.flawed = self.flawed or bool(problems)
            for key, node in root.pairs.values() if root is not None else ():
                self._take(key, node)

    def _paths(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        try:
            entries = sorted(entry for entry in self.path.iterdir() if not entry.name.startswith("."))
        except OSError as error:
            self._at_site(
                f"cannot be read: {error.strerror}", "a directory of YAML files, or one of them", "unreadable"
            )
            return []
        paths = [
            entry
            for entry in entries
            if entry.suffix == ".yaml" and not entry.name.endswith(".test.yaml") and not entry.is_dir()
        ]
        for entry in entries:
            if entry.suffix in {".yml", ".YAML", ".YML"}:
                self._at_site(f"{entry.name} is not read", "a name that ends in .yaml", "not_read", severity="warning")
        if not paths:
            self._at_site("no *.yaml file here", "at least one", "no_files")
        if len(paths) > FILES_MAX:
            self._at_site(f"more than {FILES_MAX} files", "fewer, larger ones", "too_many")
        return paths[:FILES_MAX]

    def _at_site(self, message: str, expected: str, code: str, *, severity: str = "error") -> None:
        self.torn = self.torn or severity == "error"
        finding = Finding(path=(), message=message, expected=expected, code=code, severity=severity)
        self.problems.append(self.written.problem(finding))

    def _at(self, node: Node, message: str, expected: str, code: str) -> None:
        self.problems.append(node.source.problem(node.line, node.column, message, expected, code))

    def _take(self, key: Scalar, node: Node) -> None:
        section = self.sections.get(key.text)
        if len(self.problems) > TRIED_MAX:
            self.torn = True
            return
        if section is None:
            known = ", ".join(f"`{name}`" for name in sorted(self.sections))
            self._at(
                key,
                f"unknown section {quote(key.text)}{did_you_mean(key.text, self.sections)}",
                known,
                "unknown_section",
            )
            self.torn = True
            return
        if section.many and isinstance(node, Scalar) and node.empty:
            node = Branch(node.source, node.line, node.column)
        if section.many and not isinstance(node, Branch):
            self.torn = True
            if not isinstance(node, Hole):
                self._at(
                    key, f"{kind_of(node)} does not fit here", "names with their settings below them", "wrong_kind"
                )
            return
        first = self.written.sections.setdefault(key.text, (key, node))
        if isinstance(first[1], Branch) and isinstance(node, Branch) and section.many:
            self._join(first[1], node)
        elif first[1] is not node:
            self._at(key, f"`{key.text}` is written twice; first in {_where(first[0])}", "one place", "duplicate_key")

    def _join(self, first: Branch, second: Branch) -> None:
        if first is second:
            return
        for name, (key, node) in second.pairs.items():
            if name in first.pairs:
                there = _where(first.pairs[name][0])
                self._at(key, f"`{name}` is written twice; first in {there}", "each name once", "duplicate_key")
            else:
                first.pairs[name] = (key, node)

    def validate(self) -> None:
        """Each section's entries by its settings class."""
        for key, section in self.sections.items():
            found = self.written.sections.get(key)
            if found is None:
                if section.required and self.written.whole:
                    self.unsound.add(key)
                    if not self.torn:
                        self._missing(key)
                continue
            shape = _shape(section)
            if section.many and isinstance(found[1], Branch):
                self.raw[key] = {name: self._raw(found[1], name, shape) for name in found[1].pairs}
                self.values[key] = {name: self._value(section, (key, name), found[1]) for name in found[1].pairs}
                continue
            alone = Branch(found[0].source, found[0].line, found[0].column, {key: found})
            self.raw[key] = self._raw(alone, key, shape)
            self.written.sections[key] = alone.pairs[key]
            self.values[key] = self._value(section, (key,), alone)

    def _missing(self, key: str) -> None:
        expected = f"`{key}:` in one file"
        finding = Finding(path=(), message=f"the site has no `{key}`", expected=expected, code="missing_section")
        self.problems.append(self.written.problem(finding))

    def _raw(self, parent: Branch, name: str, shape: Shape) -> Any:
        return plain_value(parent, name, shape, self.problems)

    def _value(self, section: Section, path: tuple[str, ...], parent: Branch) -> Any:
        """The validated value; None where it is not sound."""
        where, node = parent.pairs[path[-1]]
        raw = self.raw[section.key][path[1]] if section.many else self.raw[section.key]
        if len(self.problems) > TRIED_MAX:
            self.torn = True
            return None
        if _NAME.fullmatch(path[-1]) is None:
            self._at(where, f"{quote(path[-1])} is not a name", _NAME_WORDS, "wrong_name")
            self.unsound.add(section.key)
        try:
            if not isinstance(node, Hole):
                return _adapter(section).validate_python(raw)
        except ValidationError as error:
            self.problems.extend(
                explain(error.errors(include_url=False)[:TRIED_MAX], where, node, _shape(section), path)
            )
        self.unsound.add(section.key)
        return None

    def resolve(self) -> None:
        """Every reference, once all files are read; an unsound entry's references are found in what was written."""
        for key, raw in self.raw.items():
            section, values = self.sections[key], self.values[key]
            entries = (
                [((key, name), values[name], raw[name]) for name in raw] if section.many else [((key,), values, raw)]
            )
            for path, value, written in entries:
                for where, text, shape, on_key in references(
                    _shape(section), written if value is None else value, path
                ):
                    self._resolve(where, text, shape, on_key=on_key)

    def _resolve(self, where: tuple[str | int, ...], text: str, shape: ScalarShape, *, on_key: bool) -> None:
        name = text.partition("/")[0] if any(ref.point for ref in shape.refs) else text
        kinds, names = self._names(shape.refs)
        if names is None or name in names or len(self.problems) > TRIED_MAX:
            return
        self.unsound.add(str(where[0]))
        self.guesses += 1
        near = did_you_mean(name, names) if self.guesses <= GUESSES_MAX else ""
        shown = ", ".join(islice(names, 12)) + (", ..." if len(names) > 12 else "")
        expected = f"one of {shown}" if names else f"{kinds} with names in it"
        finding = Finding(
            path=where, message=f"{quote(name)} is not a name in {kinds}{near}", expected=expected, code="unresolved"
        )
        self.problems.append(self.written.problem(finding, on_key=on_key))

    def _names(self, refs: tuple[Ref, ...]) -> tuple[str, Mapping[str, None] | None]:
        """The sections in words, and every name a reference may be; None where some of them are not known here."""
        known = self.names.get(refs)
        if known is None:
            kinds = list(dict.fromkeys(section for ref in refs for section in ref.sections))
            here = all(
                kind in self.sections and (kind in self.written.sections or self.written.whole) for kind in kinds
            )
            names = [name for kind in kinds for name in self.written.names(kind)] + [
                name for ref in refs for name in ref.extra
            ]
            words = " or ".join(f"`{kind}`" for kind in kinds)
            known = self.names[refs] = (words, dict.fromkeys(names) if here else None)
        return known

    def complete(self) -> None:
        """Values are given what they refer to; those of a section with mistakes stay as they are."""
        known = _KnownValues(self.values, frozenset(self.unsound) | self._absent)
        for key, section in self.sections.items():
            if section.complete is None or key in self.unsound or self.values[key] is None:
                continue
            try:
                if section.many:
                    self.values[key] = {
                        name: section.complete(value, known) for name, value in self.values[key].items()
                    }
                else:
                    self.values[key] = section.complete(self.values[key], known)
            except _NotKnownError:
                continue

    @property
    def _absent(self) -> frozenset[str]:
        """The sections that may lie in files which were not given."""
        return frozenset() if self.written.whole else frozenset(self.sections) - frozenset(self.written.sections)

    def check(self) -> None:
        """What the rooms know to be wrong; a check whose sections are not sound is left out."""
        absent = self._absent
        known = _KnownValues(self.values, frozenset(self.unsound) | absent)
        for section in self.sections.values() if not self.flawed else ():
            if section.check is None or section.key in absent:
                continue
            try:
                for finding in section.check(known):
                    self.problems.append(self.written.problem(finding))
            except _NotKnownError:
                continue

    def finish(self) -> LoadedSite:
        """The site, or every problem in the order of the files."""
        ordered = sorted(dict.fromkeys(self.problems), key=lambda problem: (problem.path, problem.line, problem.column))
        if any(problem.severity == "error" for problem in ordered):
            raise ConfigError(_bounded(ordered, str(self.path)))
        warnings = _bounded(ordered, str(self.path))
        return LoadedSite(
            values=self.values,
            digest=site_digest(self.files),
            files=self.files,
            warnings=warnings,
            written=self.written,
        )


def _bounded(problems: list[Problem], shown: str) -> tuple[Problem, ...]:
    """The first 500, errors before warnings where not all fit, and how many more there are."""
    if len(problems) <= PROBLEMS_MAX:
        return tuple(problems)
    kept = sorted(problems, key=lambda problem: problem.severity != "error")[:PROBLEMS_MAX]
    more = Problem(
        path=shown,
        line=1,
        column=1,
        message=f"and {len(problems) - PROBLEMS_MAX} more",
        code="more",
        severity=kept[-1].severity,
    )
    return (*kept, more)


def _where(node: Node) -> str:
    return f"{node.source.shown}:{node.line}"


_KNOWN: dict[int, tuple[Any, TypeAdapter[Any], Shape]] = {}


def _known(section: Section) -> tuple[Any, TypeAdapter[Any], Shape]:
    """One adapter and one shape per model: building them costs more than reading a file."""
    known = _KNOWN.get(id(section.model))
    if known is None:
        known = _KNOWN[id(section.model)] = (section.model, TypeAdapter(section.model), shape_of(section.model))
    return known


def _adapter(section: Section) -> TypeAdapter[Any]:
    return _known(section)[1]


def _shape(section: Section) -> Shape:
    return _known(section)[2]
