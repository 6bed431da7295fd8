"""What a settings class wants to be written, as a small tree beside pydantic's own: for places, references and words.

In: a model or an annotation. Out: a `Shape` that says, for each place of a file, which keys may stand there, which names
a text refers to, and how to tell a person what was expected. Nothing is validated here.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from annotated_types import BaseMetadata
from pydantic import BaseModel, BeforeValidator, StringConstraints, Tag, WithJsonSchema

from secd.config import types

_READ_AS: dict[object, str] = {
    types.parse_duration_s: "a duration such as 250ms, 5s, 10m, 1h, 30d",
    types.parse_whole: "a whole number",
    types.parse_flag: "true or false",
    types.parse_time_of_day: "a time of day, HH:MM",
    types.parse_date: "a date, YYYY-MM-DD",
    types.parse_local_moment: "a moment, YYYY-MM-DD or YYYY-MM-DD HH:MM",
}
BARE = "a number or a boolean"
"""Of a field that nothing reads from text: it wants Whole, Seconds or Flag instead of int, float or bool."""
_SECRET_PLACE = "where it is, never the secret itself: {file: PATH}, {credential: NAME} or {environment: NAME}"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarShape:
    """One text: read as `words`, or one of `choices`, or a name of another section."""

    words: str = "a text"
    choices: tuple[str, ...] = ()
    refs: tuple[types.Ref, ...] = ()
    tag: str = ""

    @property
    def expected(self) -> str:
        """What to tell a person."""
        if self.choices:
            return one_of(self.choices)
        if self.refs:
            return " or ".join(f"a name from `{section}`" for ref in self.refs for section in ref.sections)
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """A mapping with known keys."""

    model: type[BaseModel]
    tag: str = ""

    @property
    def fields(self) -> Mapping[str, "FieldShape"]:
        """Key as written -> the field."""
        return _fields(self.model)

    @property
    def extra(self) -> "Shape | None":
        """What stands under keys the author chooses beside the known ones; None where there are none."""
        return _extra(self.model)

    @property
    def expected(self) -> str:
        """What to tell a person."""
        return _SECRET_PLACE if issubclass(self.model, types.SecretRef) else f"a mapping with {key_list(self.fields)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapShape:
    """A mapping whose keys are chosen by the author."""

    key: "Shape"
    value: "Shape"
    tag: str = ""
    expected: str = "a mapping: keys with values below them"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShape:
    """A list of like items, or, with `places`, of so many different ones."""

    item: "Shape | None" = None
    places: tuple["Shape", ...] = ()
    tag: str = ""

    @property
    def expected(self) -> str:
        """What to tell a person."""
        return f"a list of {len(self.places)}" if self.places else "a list: [a, b]"

    def at(self, index: int) -> "Shape":
        """The shape of one item."""
        if self.item is not None:
            return self.item
        return self.places[index] if index < len(self.places) else ScalarShape()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionShape:
    """One of several; `discriminator` is the key that tells them apart, where there is one."""

    branches: tuple["Shape", ...]
    discriminator: str = ""
    tag: str = ""

    @property
    def expected(self) -> str:
        """What to tell a person."""
        return ", or ".join(dict.fromkeys(branch.expected for branch in self.branches))


Shape: TypeAlias = ScalarShape | ModelShape | MapShape | ListShape | UnionShape


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """One key of a model: where its value goes and whether it must be written."""

    name: str
    shape: Shape
    required: bool


@dataclass(slots=True)
class _Marks:
    """What the metadata of an annotation says."""

    refs: list[types.Ref] = field(default_factory=list)
    words: str = ""
    text: bool = False
    discriminator: str = ""
    tag: str = ""


def shape_of(annotation: Any, metadata: Sequence[object] = (), discriminator: str = "") -> Shape:
    """The shape of an annotation as it stands in a settings class."""
    marks = _marks(metadata)
    marks.discriminator = marks.discriminator or discriminator
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return shape_of(inner, [*more, *metadata], discriminator)
    if hasattr(annotation, "__supertype__"):
        return shape_of(annotation.__supertype__, metadata, discriminator)
    if hasattr(annotation, "__value__"):
        return shape_of(annotation.__value__, metadata, discriminator)
    if origin is Union or origin is UnionType:
        return _union(annotation, metadata, marks)
    if origin is Literal:
        return ScalarShape(
            choices=tuple(str(choice) for choice in get_args(annotation)), refs=tuple(marks.refs), tag=marks.tag
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ModelShape(model=annotation, tag=marks.tag)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ScalarShape(choices=tuple(str(member.value) for member in annotation), tag=marks.tag)
    if marks.text:
        return ScalarShape(words=marks.words, refs=tuple(marks.refs), tag=marks.tag)
    container = origin or annotation
    if isinstance(container, type) and issubclass(container, Mapping):
        key, value = get_args(annotation) or (str, Any)
        return MapShape(key=shape_of(key), value=shape_of(value), tag=marks.tag)
    if (
        isinstance(container, type)
        and issubclass(container, Sequence | AbstractSet)
        and not issubclass(container, str | bytes)
    ):
        return _listing(container, get_args(annotation), marks.tag)
    return ScalarShape(words=marks.words or _plain_words(annotation), refs=tuple(marks.refs), tag=marks.tag)


def _marks(metadata: Sequence[object]) -> _Marks:
    marks = _Marks()
    for item in metadata:
        match item:
            case types.Ref():
                marks.refs.append(item)
            case BeforeValidator():
                marks.words = _READ_AS.get(item.func, marks.words)
            case StringConstraints(pattern=str() as pattern):
                marks.words = pattern_words(pattern)
            case WithJsonSchema(json_schema=dict() as written) if written.get("type") == "string":
                marks.text = True
                marks.words = marks.words or _such_as(written)
            case Tag():
                marks.tag = item.tag
            case BaseMetadata():
                pass
            case _ if isinstance(getattr(item, "discriminator", None), str):
                marks.discriminator = item.discriminator  # type: ignore[attr-defined]
            case _ if isinstance(getattr(item, "pattern", None), str):
                marks.words = pattern_words(item.pattern)  # type: ignore[attr-defined]
    return marks


def _such_as(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples") or ()
    return f"a text such as {', '.join(map(str, examples))}" if examples else "a text"


def _union(annotation: Any, metadata: Sequence[object], marks: _Marks) -> Shape:
    branches = [branch for branch in get_args(annotation) if branch is not NoneType]
    if len(branches) == 1:
        return shape_of(branches[0], metadata, marks.discriminator)
    shapes = tuple(shape_of(branch) for branch in branches)
    if marks.refs:
        shapes = tuple(
            ScalarShape(words=shape.words, choices=shape.choices, refs=(*shape.refs, *marks.refs), tag=shape.tag)
            if isinstance(shape, ScalarShape) and not shape.choices
            else shape
            for shape in shapes
        )
    return UnionShape(branches=shapes, discriminator=marks.discriminator, tag=marks.tag)


def _listing(container: type, arguments: tuple[Any, ...], tag: str) -> ListShape:
    if not arguments:
        return ListShape(item=ScalarShape(), tag=tag)
    if issubclass(container, tuple) and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return ListShape(places=tuple(shape_of(argument) for argument in arguments), tag=tag)
    return ListShape(item=shape_of(arguments[0]), tag=tag)


def _plain_words(annotation: Any) -> str:
    return BARE if annotation in {int, float, bool} else "a text"


def pattern_words(pattern: str) -> str:
    """A pattern as people would say it."""
    return _PATTERNS.get(pattern, f"a text that matches {pattern}")


def _pattern_of(annotation: Any) -> str:
    return next(
        item.pattern
        for item in get_args(annotation)[1:]
        if isinstance(item, StringConstraints) and isinstance(item.pattern, str)
    )


_PATTERNS = {
    _pattern_of(types.Name): "a name: letters, digits, hyphen, dot, underscore; at most 64",
    _pattern_of(types.Digits): "digits",
    _pattern_of(types.DevicePoint): "a point of a device: `device/number`",
    _pattern_of(types.DeviceButton): "a point of a device: `device/name`",
}


@functools.cache
def _fields(model: type[BaseModel]) -> Mapping[str, FieldShape]:
    fields = {}
    for name, info in model.model_fields.items():
        alias = info.validation_alias or info.alias
        discriminator = info.discriminator if isinstance(info.discriminator, str) else ""
        shape = shape_of(info.annotation, info.metadata, discriminator)
        fields[alias if isinstance(alias, str) else name] = FieldShape(
            name=name, shape=shape, required=info.is_required()
        )
    return fields


@functools.cache
def _extra(model: type[BaseModel]) -> Shape | None:
    if model.model_config.get("extra") != "allow":
        return None
    declared = get_type_hints(model, include_extras=True).get("__pydantic_extra__")
    arguments = get_args(declared)
    return shape_of(arguments[1]) if len(arguments) == 2 else ScalarShape()


def wants_mapping(shape: Shape) -> bool:
    """Whether nothing written means an empty mapping."""
    return isinstance(shape, MapShape) or (
        isinstance(shape, ModelShape) and not issubclass(shape.model, types.SecretRef)
    )


def branch_for_tag(union: UnionShape, tag: str) -> Shape | None:
    """The branch pydantic means by a label in an error's place."""
    for branch in union.branches:
        if branch.tag and branch.tag == tag:
            return branch
        if isinstance(branch, ModelShape) and (
            tag in literals(branch, union.discriminator) or re.search(rf"\b{branch.model.__name__}\b", tag)
        ):
            return branch
        if isinstance(branch, UnionShape) and branch_for_tag(branch, tag) is not None:
            return branch
    kind = tag.partition("[")[0]
    for branch in union.branches:
        if isinstance(branch, ListShape) and kind in {"tuple", "list", "frozenset", "set"}:
            return branch
        if isinstance(branch, MapShape) and kind == "dict":
            return branch
    scalars = [branch for branch in union.branches if isinstance(branch, ScalarShape)]
    if kind == "literal":
        scalars = [branch for branch in scalars if branch.choices] or scalars
    return scalars[0] if scalars else None


def literals(branch: ModelShape, key: str) -> tuple[str, ...]:
    """What one key of a model may say, where that is a closed list."""
    known = branch.fields.get(key)
    return known.shape.choices if known is not None and isinstance(known.shape, ScalarShape) else ()


def tags_of(union: UnionShape) -> tuple[str, ...]:
    """What the discriminator may say."""
    return tuple(
        tag
        for branch in union.branches
        if isinstance(branch, ModelShape)
        for tag in literals(branch, union.discriminator)
    )


def one_of(choices: Sequence[str]) -> str:
    """A choice in words, cut where it grows long."""
    shown = ", ".join(f"`{choice}`" for choice in choices[:20])
    more = f" and {len(choices) - 20} more" if len(choices) > 20 else ""
    return f"one of {shown}{more}" if len(choices) > 1 else shown


def key_list(fields: Mapping[str, FieldShape]) -> str:
    """The keys of a mapping, the required ones first."""
    ordered = sorted(fields, key=lambda key: not fields[key].required)
    return ", ".join(f"`{key}`" for key in ordered[:12]) + (", ..." if len(ordered) > 12 else "")
