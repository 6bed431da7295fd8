"""pydantic's errors as a person's problems: at their line and column, in words, without the noise of unions.

In: the errors of one value, its node and its shape. Out: problems. For a union pydantic reports every branch; here only
the branch that fits best speaks, and where none does, one problem says what could stand there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pydantic_core import ErrorDetails

from secd.config.shapes import (
    ListShape,
    MapShape,
    ModelShape,
    ScalarShape,
    Shape,
    UnionShape,
    branch_for_tag,
    key_list,
    one_of,
    pattern_words,
    tags_of,
)
from secd.config.site import place_of
from secd.config.tree import Branch, Hole, Listing, Node, Scalar
from secd.config.types import ScalarError, SecretRef
from secd.config.words import did_you_mean, guess, kind_of, quote, said
from secd.model.errors import Problem

Path: TypeAlias = tuple[str | int, ...]

_WRONG_KIND = frozenset({
    "model_type", "model_attributes_type", "dict_type", "mapping_type", "tuple_type", "list_type", "set_type",
    "frozen_set_type", "string_type", "int_type", "float_type", "bool_type", "date_type", "time_type", "datetime_type",
})  # fmt: skip
_LIMITS = {
    "greater_than": "more than {gt}", "greater_than_equal": "at least {ge}", "less_than": "less than {lt}",
    "less_than_equal": "at most {le}", "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters", "too_short": "at least {min_length}", "too_long": "at most {max_length}",
    "int_parsing": "a whole number", "float_parsing": "a number", "bool_parsing": "true or false",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Choice:
    """A step of an error's place that names a branch of a union, not a key."""

    label: str
    union: UnionShape | None
    node: Node


_Step: TypeAlias = str | int | _Choice


@dataclass(slots=True, kw_only=True)
class _Mistake:
    """One error, followed down the tree. `missing`: the key that is not there; `key`: the key node above `node`."""

    error: ErrorDetails
    node: Node
    key: Scalar | None
    shape: Shape | None
    parent: Shape | None = None
    steps: list[_Step] = field(default_factory=list)
    missing: str = ""
    on_key: bool = False
    told: tuple[str, str, str] | None = None

    @property
    def kind(self) -> str:
        return self.error["type"]

    @property
    def text(self) -> str:
        """The text that is wrong; "" where a mapping or list is."""
        if self.on_key and self.key is not None:
            return self.key.text
        return self.node.text if isinstance(self.node, Scalar) else ""

    @property
    def path(self) -> Path:
        return tuple(step for step in self.steps if not isinstance(step, _Choice))


def explain(errors: Sequence[ErrorDetails], key: Scalar, node: Node, shape: Shape, path: Path) -> list[Problem]:
    """The problems of one value that stands at `path` under `key`."""
    followed = [_follow(error, key, node, shape) for error in errors]
    mistakes = _best_branches([mistake for mistake in followed if not isinstance(mistake.node, Hole)], 0)
    return [_problem(mistake, path) for mistake in mistakes if not _is_echo(mistake, mistakes)]


def _follow(error: ErrorDetails, key: Scalar, node: Node, shape: Shape) -> _Mistake:
    """Walk an error's place: keys and indices lead down the nodes, everything else names a union's branch."""
    here = _Mistake(error=error, node=node, key=key, shape=shape)
    place = error["loc"]
    for index, step in enumerate(place):
        last = index == len(place) - 1
        if isinstance(here.shape, UnionShape) and step != "[key]":
            branch = branch_for_tag(here.shape, str(step))
            if branch is not None or not (isinstance(here.node, Branch) and step in here.node.pairs):
                here.steps.append(_Choice(str(step), here.shape, here.node))
                here.shape = branch
                continue
        if step == "[key]":
            here.on_key = True
            here.shape = here.parent.key if isinstance(here.parent, MapShape) else None
        elif isinstance(here.node, Branch) and isinstance(step, str) and step in here.node.pairs:
            here.key, below = here.node.pairs[step]
            here.parent, here.shape = here.shape, child_shape(here.shape, step)
            here.node = below
            here.steps.append(step)
        elif isinstance(here.node, Listing) and isinstance(step, int) and step < len(here.node.items):
            here.parent, here.shape, here.key = here.shape, child_shape(here.shape, step), None
            here.node = here.node.items[step]
            here.steps.append(step)
        elif last and error["type"] == "missing":
            here.missing = str(step)
            here.steps.append(step)
        else:
            here.steps.append(_Choice(str(step), None, here.node))
    return here


def child_shape(shape: Shape | None, step: str | int) -> Shape | None:
    """The shape one key or index further down; None where the schema says nothing."""
    match shape:
        case ModelShape():
            known = shape.fields.get(str(step))
            return known.shape if known is not None else shape.extra
        case MapShape():
            return shape.value
        case ListShape() if isinstance(step, int):
            return shape.at(step)
        case _:
            return None


def _best_branches(mistakes: Iterable[_Mistake], start: int) -> list[_Mistake]:
    """Keep, of every union met from step `start` on, the branch that fits best."""
    kept: list[_Mistake] = []
    unions: dict[tuple[_Step, ...], dict[str, list[_Mistake]]] = {}
    for mistake in mistakes:
        at = next((index for index, step in enumerate(mistake.steps[start:], start) if isinstance(step, _Choice)), None)
        if at is None:
            kept.append(mistake)
            continue
        choice = mistake.steps[at]
        labels = unions.setdefault(tuple(_hashable(step) for step in mistake.steps[:at]), {})
        labels.setdefault(choice.label if isinstance(choice, _Choice) else "", []).append(mistake)
    for prefix, labels in unions.items():
        branches = [_best_branches(members, len(prefix) + 1) for members in labels.values()]
        kept.extend(_best(branches, len(prefix)))
    return kept


def _hashable(step: _Step) -> _Step:
    return step.label if isinstance(step, _Choice) else step


def _best(branches: list[list[_Mistake]], at: int) -> list[_Mistake]:
    """The branch with the least wrong, or, where several are equally far off, one mistake that names them all."""
    if len(branches) == 1:
        return branches[0]
    scores = [_score(branch, at) for branch in branches]
    lowest = min(scores)
    best = [branch for branch, score in zip(branches, scores, strict=True) if score[:2] == lowest[:2]]
    if len(best) == 1:
        return best[0]
    if all(len(mistake.steps) == at + 1 for branch in best for mistake in branch):
        return [_none_fits(best, at)]
    if lowest[1] > 0:
        return _unknown_form(best, at)
    return min(best, key=len)


def _score(branch: list[_Mistake], at: int) -> tuple[bool, int, int]:
    """Wrong kind altogether, then keys that should not or should be there, then how many mistakes."""
    wrong_kind = any(len(mistake.steps) == at + 1 and mistake.kind in _WRONG_KIND for mistake in branch)
    own = [mistake for mistake in branch if len(mistake.steps) == at + 2]
    cost = sum(2 for mistake in own if mistake.missing or mistake.kind in {"extra_forbidden", "literal_error", "enum"})
    cost -= sum(1 for mistake in own if mistake.kind == "extra_forbidden" and _meant(mistake))
    return wrong_kind, cost, len(branch)


def _none_fits(branches: list[list[_Mistake]], at: int) -> _Mistake:
    """Every branch refuses the value itself: say what could stand there."""
    mistake = branches[0][0]
    choice = mistake.steps[at]
    shapes = [branch[0].shape for branch in branches]
    expected = ", or ".join(dict.fromkeys(shape.expected for shape in shapes if shape is not None))
    if isinstance(choice, _Choice) and choice.union is not None and not expected:
        expected = choice.union.expected
    choices = [word for shape in shapes if isinstance(shape, ScalarShape) for word in shape.choices]
    near = did_you_mean(mistake.text, choices) if mistake.text else ""
    mistake.told = (f"{said(mistake.node, mistake.path)} does not fit here{near}", expected, "wrong_value")
    return mistake


def _unknown_form(branches: list[list[_Mistake]], at: int) -> list[_Mistake]:
    """A mapping that none of several forms explains."""
    every = [mistake for branch in branches for mistake in branch if len(mistake.steps) == at + 2]
    wanted = list(dict.fromkeys(mistake.missing for mistake in every if mistake.missing))
    extra = [mistake for mistake in every if mistake.kind == "extra_forbidden"]
    unknown = {mistake.key.text: mistake for mistake in extra if mistake.key is not None}
    in_all = [
        mistake
        for text, mistake in unknown.items()
        if sum(1 for other in extra if other.key is not None and other.key.text == text) == len(branches)
    ]
    if in_all:
        for mistake in in_all:
            text = mistake.key.text if mistake.key is not None else ""
            mistake.told = (f"unknown key {quote(text)}{did_you_mean(text, wanted)}", one_of(wanted), "unknown_key")
        return in_all
    if wanted:
        first = next(mistake for mistake in every if mistake.missing)
        first.told = ("a key is missing", one_of(wanted), "missing_key")
        return [first]
    return branches[0]


def _known_keys(mistake: _Mistake) -> list[str]:
    return list(mistake.parent.fields) if isinstance(mistake.parent, ModelShape) else []


def _meant(mistake: _Mistake) -> str:
    return guess(mistake.key.text, _known_keys(mistake)) if mistake.key is not None else ""


def _is_echo(mistake: _Mistake, mistakes: list[_Mistake]) -> bool:
    """A missing key that a misspelt one beside it explains."""
    return bool(mistake.missing) and any(
        other.kind == "extra_forbidden"
        and other.told is None
        and other.path[:-1] == mistake.path[:-1]
        and _meant(other) == mistake.missing
        for other in mistakes
    )


def _problem(mistake: _Mistake, base: Path) -> Problem:
    message, expected, code = mistake.told or _words(mistake, base)
    place = place_of(mistake.node, mistake.key)
    if mistake.kind == "extra_forbidden" or mistake.on_key:
        place = mistake.key or mistake.node
    elif mistake.kind == "union_tag_invalid" and isinstance(mistake.node, Branch):
        place = mistake.node.pairs.get(_discriminator(mistake), (None, place))[1]
    return place.source.problem(place.line, place.column, message, expected, code)


def _discriminator(mistake: _Mistake) -> str:
    return str(mistake.error.get("ctx", {}).get("discriminator", "")).strip("'")


def _words(mistake: _Mistake, base: Path) -> tuple[str, str, str]:
    """Message, what was expected, code."""
    context = mistake.error.get("ctx", {})
    written = (
        said(mistake.key, ())
        if mistake.on_key and mistake.key is not None
        else said(mistake.node, (*base, *mistake.path))
    )
    expected = mistake.shape.expected if mistake.shape is not None else ""
    match mistake.kind:
        case "missing":
            return _missing(mistake)
        case "extra_forbidden":
            return _unknown_key(mistake)
        case "union_tag_not_found":
            return f"missing key `{_discriminator(mistake)}`", one_of(_tags(mistake)), "missing_key"
        case "union_tag_invalid":
            tags = _tags(mistake)
            tag = str(context.get("tag", ""))
            return (
                f"unknown {_discriminator(mistake)} {quote(tag)}{did_you_mean(tag, tags)}",
                one_of(tags),
                "wrong_value",
            )
        case "literal_error" | "enum":
            choices = mistake.shape.choices if isinstance(mistake.shape, ScalarShape) else ()
            near = did_you_mean(mistake.text, choices) if mistake.text else ""
            return f"{written} is not a choice here{near}", expected or str(context.get("expected", "")), "wrong_value"
        case "string_pattern_mismatch":
            return f"{written} does not fit here", pattern_words(str(context.get("pattern", ""))), "wrong_value"
        case "value_error":
            return _refused(mistake, written, context.get("error"))
        case kind if kind in _WRONG_KIND:
            return _wrong_kind(mistake, expected)
        case kind if kind in _LIMITS:
            return f"{written} does not fit here", _LIMITS[kind].format_map(context), "wrong_value"
        case _:
            return f"{written}: {mistake.error['msg'][:1].lower()}{mistake.error['msg'][1:]}", expected, "wrong_value"


def _tags(mistake: _Mistake) -> tuple[str, ...]:
    return tags_of(mistake.shape) if isinstance(mistake.shape, UnionShape) else ()


def _missing(mistake: _Mistake) -> tuple[str, str, str]:
    if not mistake.missing.isdigit() or not isinstance(mistake.node, Listing):
        wanted = child_shape(mistake.shape, mistake.missing)
        return f"missing key `{mistake.missing}`", wanted.expected if wanted is not None else "", "missing_key"
    return "the list is too short", mistake.shape.expected if mistake.shape is not None else "", "wrong_value"


def _unknown_key(mistake: _Mistake) -> tuple[str, str, str]:
    text = mistake.key.text if mistake.key is not None else ""
    known = _known_keys(mistake)
    expected = (
        f"one of {key_list(mistake.parent.fields)}" if isinstance(mistake.parent, ModelShape) and known else "no key"
    )
    return f"unknown key {quote(text)}{did_you_mean(text, known)}", expected, "unknown_key"


def _refused(mistake: _Mistake, written: str, error: object) -> tuple[str, str, str]:
    if isinstance(error, ScalarError):
        return f"{written} cannot be read", str(error), "wrong_value"
    return str(error), "", "refused"


def _wrong_kind(mistake: _Mistake, expected: str) -> tuple[str, str, str]:
    shape = mistake.shape
    if isinstance(shape, ModelShape) and issubclass(shape.model, SecretRef) and not isinstance(mistake.node, Branch):
        return "a secret is never written in the configuration", expected, "inline_secret"
    return f"{kind_of(mistake.node)} does not fit here", expected, "wrong_kind"
