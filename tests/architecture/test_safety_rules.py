"""Every safety rule that the product keeps today has a test that carries its number."""

import ast
import re

from source_tree import sources

REQUIRED = frozenset({*range(1, 14), *range(15, 20), 21})
"""What the code promises to keep. A rule that comes to be kept comes with its test and its number here."""


def numbered_tests() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for source in sources("tests"):
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                match := re.match(r"test_s(\d\d)_", node.name)
            ):
                found.setdefault(int(match[1]), set()).add(node.name)
    return found


def test_every_rule_that_is_kept_has_a_test_with_its_number() -> None:
    missing = sorted(REQUIRED - numbered_tests().keys())
    assert not missing, f"no test carries the number of {', '.join(f'S{rule}' for rule in missing)}"
