"""YAML text to a tree of located nodes. Every scalar stays the text that was written; types come from the schema later.

In: a `Source`. Out: the top-level mapping, and every mistake on the way. Refused: aliases, anchors, merge keys, tags,
directives, keys written twice, several documents, depth over 30. The parser's events are read one by one, because
libyaml's own composer recurses on the C stack and dies of 200,000 brackets.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import yaml
from yaml._yaml import CParser, Mark

from secd.config.source import Source, is_secret_key
from secd.model.errors import Problem

DEPTH_MAX = 30
NODES_MAX = 200_000
PROBLEMS_MAX = 1000
"""After so many mistakes the rest of a file is not read."""
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
SECRET_PLACES = frozenset({"file", "credential", "environment"})


@dataclass(slots=True)
class Scalar:
    """A text. `plain`: written without quotes."""

    source: Source
    line: int
    column: int
    text: str
    plain: bool

    @property
    def empty(self) -> bool:
        """Nothing was written, or a word that means nothing."""
        return self.plain and self.text in NULLS


@dataclass(slots=True)
class Branch:
    """A mapping: key text -> (key node, value node), in the order written."""

    source: Source
    line: int
    column: int
    pairs: dict[str, tuple[Scalar, "Node"]] = field(default_factory=dict)


@dataclass(slots=True)
class Listing:
    """A sequence."""

    source: Source
    line: int
    column: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Hole:
    """A value that was refused already: nothing more is said about it."""

    source: Source
    line: int
    column: int


Node: TypeAlias = Scalar | Branch | Listing | Hole


@dataclass(slots=True)
class _Open:
    """A collection being read. `key` is set while its value is awaited; `dropped`: the value is read and forgotten."""

    node: Branch | Listing
    key: Scalar | None = None
    dropped: bool = False


class _Stop(Exception):
    pass


def parse_tree(source: Source) -> tuple[Branch | None, list[Problem]]:
    """The top-level mapping of a file (None where there is none), and every problem found."""
    reader = _Reader(source)
    root: Branch | None = None
    try:
        reader.read()
        root = reader.top_level()
    except _Stop:
        pass
    except yaml.YAMLError as error:
        reader.syntax(error)
    return root, [replace(problem, source_line=source.line(problem.line)) for problem in reader.problems]


class _Reader:
    """Builds one file's tree with an explicit stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self._stack: list[_Open] = []
        self._nodes = 0
        self._documents = 0

    def add(self, line: int, column: int, message: str, expected: str, code: str) -> None:
        self.problems.append(self.source.problem(line, column, message, expected, code))

    def read(self) -> None:
        parser = CParser(self.source.text)
        while len(self.problems) < PROBLEMS_MAX:
            event = parser.get_event()
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent():
                    self._open(Branch(self.source, *_place(event.start_mark)), event)
                case yaml.SequenceStartEvent():
                    self._open(Listing(self.source, *_place(event.start_mark)), event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close()
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.DocumentStartEvent():
                    self._document(event)
                case yaml.StreamEndEvent() | None:
                    return
                case _:
                    continue
        raise _Stop

    def top_level(self) -> Branch | None:
        """The file's mapping of sections."""
        if isinstance(self.root, Branch):
            return self.root
        if self.root is None:
            self.add(1, 1, "the file is empty", "at least one section, or no file", "empty_file")
        elif not isinstance(self.root, Hole):
            place = (self.root.line, self.root.column)
            self.add(*place, "the file does not start with a key", "`section:` and what belongs to it", "not_a_mapping")
        return None

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        line, column = _place(event.start_mark)
        if self._documents > 1:
            self.add(
                line,
                column,
                "a second document in one file",
                "one document; put the rest into a file of its own",
                "second_document",
            )
            raise _Stop
        if event.version or event.tags:
            self.add(line, column, "a YAML directive", "the file without lines that start with %", "directive")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = _place(event.start_mark)
        self._refuse_marks(event, line, column, event.tag)
        node = Scalar(self.source, line, column, event.value, event.style is None or event.style == "")
        if self._awaits_key():
            self._key(node)
            return
        if self._under_secret():
            self.source.mask((line, column), _place(event.end_mark))
        self._put(node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = _place(event.start_mark)
        self.add(
            line,
            column,
            f"an alias, `*{event.anchor}`",
            "the value itself, or a named group, area or schedule",
            "alias",
        )
        if self._awaits_key():
            raise _Stop
        self._put(Hole(self.source, line, column))

    def _refuse_marks(self, event: yaml.NodeEvent, line: int, column: int, tag: str | None) -> None:
        if event.anchor is not None:
            self.add(
                line,
                column,
                f"an anchor, `&{event.anchor}`",
                "the value without it: names are given by sections",
                "anchor",
            )
        if tag is not None:
            self.add(line, column, f"a tag, `{tag}`", "the value without it: its type comes from its key", "tag")

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].node, Branch) and self._stack[-1].key is None

    def _under_secret(self) -> bool:
        if not self._stack:
            return False
        nearest = self._stack[-1].key
        if nearest is not None and nearest.text in SECRET_PLACES:
            return False
        return any(is_secret_key(level.key.text) for level in self._stack[-2:] if level.key is not None)

    def _key(self, key: Scalar) -> None:
        top = self._stack[-1]
        top.key, top.dropped = key, False
        branch = top.node
        assert isinstance(branch, Branch)  # noqa: S101 (narrowing; _awaits_key said so)
        if key.text == "<<":
            self.add(key.line, key.column, "a merge key, `<<`", "the keys themselves", "merge_key")
            top.dropped = True
        elif key.empty:
            self.add(key.line, key.column, "a key without a name", "`name:`", "empty_key")
            top.dropped = True
        elif key.text in branch.pairs:
            first = branch.pairs[key.text][0]
            self.add(
                key.line,
                key.column,
                f"`{key.text}` is written twice; first in line {first.line}",
                "each key once",
                "duplicate_key",
            )
            top.dropped = True

    def _open(self, node: Branch | Listing, event: yaml.CollectionStartEvent) -> None:
        self._refuse_marks(event, node.line, node.column, event.tag)
        if self._awaits_key():
            self.add(node.line, node.column, "a key that is a list or a mapping", "a key that is text", "key_not_text")
            raise _Stop
        if len(self._stack) >= DEPTH_MAX:
            self.add(node.line, node.column, f"nested deeper than {DEPTH_MAX} levels", "a flatter file", "too_deep")
            raise _Stop
        self._stack.append(_Open(node))
        self._count(node)

    def _close(self) -> None:
        self._put(self._stack.pop().node, counted=True)

    def _put(self, node: Node, *, counted: bool = False) -> None:
        if not counted:
            self._count(node)
        if not self._stack:
            self.root = node if not (isinstance(node, Scalar) and node.empty) else None
            return
        top = self._stack[-1]
        if isinstance(top.node, Listing):
            top.node.items.append(node)
            return
        key, top.key = top.key, None
        if key is not None and not top.dropped:
            top.node.pairs[key.text] = (key, node)

    def _count(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            self.add(node.line, node.column, f"more than {NODES_MAX} values in one file", "several files", "too_many")
            raise _Stop

    def syntax(self, error: yaml.YAMLError) -> None:
        """Say in people's words what the parser could not read."""
        mark = getattr(error, "problem_mark", None)
        context = getattr(error, "context_mark", None)
        said = str(getattr(error, "problem", None) or "cannot be read as YAML")
        line, column = _place(mark)
        key = self._stack[-1].key if self._stack else None
        if key is not None and is_secret_key(key.text):
            self.source.mask((key.line, key.column + len(key.text) + 1), (line + 1, 1))
        if self._tab_at(line, column):
            self.add(line, column, "a tab in the indentation", "spaces", "tab")
            return
        if context is not None and said in _UNCLOSED:
            line, column = _place(context)
        message, expected = _SYNTAX.get(said, (said, ""))
        self.add(min(line, len(self.source.lines)), column, message, expected, "syntax")

    def _tab_at(self, line: int, column: int) -> bool:
        text = self.source.lines[min(line, len(self.source.lines)) - 1]
        return "\t" in text[: len(text) - len(text.lstrip())] or text[column - 1 : column] == "\t"


def _place(mark: Mark | yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


_UNCLOSED = frozenset(
    {"found unexpected end of stream", "did not find expected ',' or ']'", "did not find expected ',' or '}'"}
)
_SYNTAX = {
    "mapping values are not allowed in this context": (
        "a colon where no key can stand: the line above lacks its own, or a value holds `: `",
        "`key: value` on one line; a value with a colon in quotes",
    ),
    "did not find expected key": (
        "this does not continue the keys above: the indentation differs, or a quote or bracket closed too early",
        "a key in the same column as the one before",
    ),
    "did not find expected ',' or ']'": ("a list is not closed", "`,` or `]`"),
    "did not find expected ',' or '}'": ("a mapping in braces is not closed", "`,` or `}`"),
    "could not find expected ':'": ("a key without a colon", "`key: value`"),
    "did not find expected '-' indicator": ("a key among the items of a list", "`- item`"),
    "did not find expected node content": ("nothing stands between two commas or brackets", "a value"),
    "did not find expected <document start>": (
        "this stands further left than the lines above it",
        "the same indentation",
    ),
    "found unexpected end of stream": ("a quote is not closed", "the closing quote"),
    "found character that cannot start any token": ("a value cannot start with this character", "the value in quotes"),
    "found unknown escape character": (
        "an unknown escape in double quotes",
        "single quotes, where a backslash is a backslash",
    ),
    "block sequence entries are not allowed in this context": (
        "a list cannot start on the line of its key",
        "`- item` on the next line, or `[item]`",
    ),
}
