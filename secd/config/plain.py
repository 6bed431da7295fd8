"""Located nodes to the plain mappings, lists and texts that pydantic reads, with nothing left empty.

A value left empty is {} where the schema wants a mapping; anywhere else it is a problem, and a hole about which no more is said.
"""

from typing import Any

from secd.config.explain import child_shape
from secd.config.references import fitting_branch
from secd.config.shapes import Shape, UnionShape, wants_mapping
from secd.config.tree import PROBLEMS_MAX, Branch, Hole, Listing, Node, Scalar
from secd.model.errors import Problem


def plain_value(parent: Branch, key: str, wanted: Shape | None, problems: list[Problem], *, known: bool = True) -> Any:
    """What stands under `key`; None for a hole. `known=False`: the schema knows no such key, which is said elsewhere."""
    where, node = parent.pairs[key]
    if not (isinstance(node, Scalar) and node.empty):
        return _plain(node, wanted, problems)
    if not known:
        return node.text
    value = _nothing(where, wanted, problems)
    if value is None:
        parent.pairs[key] = (where, Hole(node.source, node.line, node.column))
    return value


def _plain(node: Node, shape: Shape | None, problems: list[Problem]) -> Any:
    if isinstance(shape, UnionShape):
        shape = fitting_branch(shape, _outline(node))
    match node:
        case Scalar():
            return node.text
        case Hole():
            return None
        case Listing():
            return [_item(node, index, child_shape(shape, index), problems) for index in range(len(node.items))]
        case Branch():
            plain = {}
            for key in node.pairs:
                wanted = child_shape(shape, key)
                plain[key] = plain_value(node, key, wanted, problems, known=wanted is not None or shape is None)
            return plain


def _item(listing: Listing, index: int, wanted: Shape | None, problems: list[Problem]) -> Any:
    node = listing.items[index]
    if not (isinstance(node, Scalar) and node.empty):
        return _plain(node, wanted, problems)
    value = _nothing(node, wanted, problems)
    if value is None:
        listing.items[index] = Hole(node.source, node.line, node.column)
    return value


def _nothing(where: Scalar, wanted: Shape | None, problems: list[Problem]) -> dict[str, Any] | None:
    if wanted is not None and wants_mapping(wanted):
        return {}
    if len(problems) < PROBLEMS_MAX:
        expected = wanted.expected if wanted is not None else "a value"
        problems.append(where.source.problem(where.line, where.column, "no value", expected, "no_value"))
    return None


def _outline(node: Node) -> object:
    """Enough of a value to tell which branch of a union it was written for."""
    match node:
        case Branch():
            return {key: below.text if isinstance(below, Scalar) else None for key, (_, below) in node.pairs.items()}
        case Listing():
            return []
        case _:
            return ""
