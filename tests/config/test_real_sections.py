"""What holds for every section that a room brings."""

from collections.abc import Iterator

import pytest

from secd.app.sections import site_sections
from secd.config.shapes import BARE, ListShape, MapShape, ModelShape, ScalarShape, Shape, UnionShape, shape_of
from secd.config.types import Section


def shapes_in(shape: Shape | None, seen: set[type]) -> Iterator[ScalarShape]:
    match shape:
        case ScalarShape():
            yield shape
        case ModelShape() if shape.model not in seen:
            seen.add(shape.model)
            for known in shape.fields.values():
                yield from shapes_in(known.shape, seen)
            yield from shapes_in(shape.extra, seen)
        case MapShape():
            yield from shapes_in(shape.key, seen)
            yield from shapes_in(shape.value, seen)
        case ListShape():
            for item in (shape.item, *shape.places):
                yield from shapes_in(item, seen)
        case UnionShape():
            for branch in shape.branches:
                yield from shapes_in(branch, seen)
        case _:
            return


@pytest.mark.parametrize("section", site_sections(), ids=lambda section: section.key)
def test_no_setting_is_a_bare_number_or_boolean_that_pydantic_would_guess_from_text(section: Section) -> None:
    assert [shape for shape in shapes_in(shape_of(section.model), set()) if shape.words == BARE] == []


@pytest.mark.parametrize("section", site_sections(), ids=lambda section: section.key)
def test_every_reference_names_a_section_that_exists(section: Section) -> None:
    keys = {known.key for known in site_sections()}
    named = {name for shape in shapes_in(shape_of(section.model), set()) for ref in shape.refs for name in ref.sections}
    assert named <= keys


def test_section_keys_are_unique() -> None:
    keys = [section.key for section in site_sections()]
    assert len(keys) == len(set(keys))
