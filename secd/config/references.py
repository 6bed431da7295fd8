"""Texts that must be names of things elsewhere in the site: found in a value by its shape, resolved when all files are read.

In: a section's shape and its value. Out: each reference with its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from pydantic import BaseModel

from secd.config.shapes import ListShape, MapShape, ModelShape, ScalarShape, Shape, UnionShape, literals

Path: TypeAlias = tuple[str | int, ...]


def references(shape: Shape, value: object, path: Path = ()) -> Iterator[tuple[Path, str, ScalarShape, bool]]:
    """Every text that must be a name: its place, the text, what it may name, and whether it is a key.

    `value` is a validated value, or, where validation failed, the plain mappings, lists and texts that were written.
    """
    match shape:
        case ScalarShape():
            if shape.refs and isinstance(value, str):
                yield path, value, shape, False
        case ModelShape():
            yield from _model_references(shape, value, path)
        case MapShape():
            if isinstance(value, Mapping):
                for key, item in value.items():
                    if isinstance(shape.key, ScalarShape) and shape.key.refs and isinstance(key, str):
                        yield (*path, key), key, shape.key, True
                    yield from references(shape.value, item, (*path, str(key)))
        case ListShape():
            if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
                for index, item in enumerate(value):
                    yield from references(shape.at(index), item, (*path, index))
        case UnionShape():
            yield from _union_references(shape, value, path)


def _model_references(shape: ModelShape, value: object, path: Path) -> Iterator[tuple[Path, str, ScalarShape, bool]]:
    for key, known in shape.fields.items():
        if isinstance(value, shape.model):
            yield from references(known.shape, getattr(value, known.name), (*path, key))
        elif isinstance(value, Mapping) and key in value:
            yield from references(known.shape, value[key], (*path, key))
    if shape.extra is not None:
        others = value.__pydantic_extra__ if isinstance(value, BaseModel) else value
        for key, item in others.items() if isinstance(others, Mapping) else ():
            if key not in shape.fields:
                yield from references(shape.extra, item, (*path, key))


def _union_references(shape: UnionShape, value: object, path: Path) -> Iterator[tuple[Path, str, ScalarShape, bool]]:
    if isinstance(value, str):
        scalars = [branch for branch in shape.branches if isinstance(branch, ScalarShape)]
        refs = tuple(ref for branch in scalars for ref in branch.refs)
        if (
            refs
            and not any(value in branch.choices for branch in scalars)
            and all(branch.refs or branch.choices for branch in scalars)
        ):
            yield path, value, ScalarShape(refs=refs), False
        return
    branch = fitting_branch(shape, value)
    if branch is not None:
        yield from references(branch, value, path)


def fitting_branch(shape: UnionShape, value: object) -> Shape | None:
    """The branch a value was most likely written for."""
    for branch in shape.branches:
        if isinstance(branch, ModelShape) and isinstance(value, branch.model):
            return branch
        if (
            isinstance(branch, UnionShape)
            and isinstance(value, BaseModel)
            and fitting_branch(branch, value) is not None
        ):
            return branch
    if isinstance(value, Mapping):
        models = [branch for branch in shape.branches if isinstance(branch, ModelShape)]
        told = [
            branch
            for branch in models
            if shape.discriminator and value.get(shape.discriminator) in literals(branch, shape.discriminator)
        ]
        best = max(told or models, key=lambda branch: len(branch.fields.keys() & value.keys()), default=None)
        if best is not None and best.fields.keys() & value.keys():
            return best
        return next((branch for branch in shape.branches if isinstance(branch, MapShape)), None)
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
        return next((branch for branch in shape.branches if isinstance(branch, ListShape)), None)
    return None
