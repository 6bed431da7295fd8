"""How tests behave: no sleeps, no skips, no mocks, names that are sentences and safety numbers that exist."""

import ast
import re

from source_tree import ROOT, Source, imported, last_name, sources

RULES = range(1, 23)
"""S1 to S22: docs/safety.md."""


def names_of_tests(source: Source) -> list[str]:
    return [
        node.name
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def sleeps(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or last_name(node.func) != "sleep":
        return False
    return not (len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)


def test_no_test_sleeps() -> None:
    asleep = [source.at(node) for source in sources("tests") for node in source.nodes if sleeps(node)]
    assert not asleep, f"wait on a signal, bounded by asyncio.timeout: {asleep}"


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    words = {"skip", "skipif", "xfail", "importorskip"}
    found = [
        source.at(node)
        for source in sources("tests")
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr in words and "pytest" in ast.unparse(node)
    ]
    assert not found, f"needs(...) deselects what needs an outside program; nothing else is left out: {found}"


def test_nothing_is_mocked() -> None:
    found = [
        source.at(node)
        for source in sources("tests")
        for node in source.nodes
        if any(name.startswith(("unittest.mock", "mock", "pytest_mock")) for name in imported(node))
        or (isinstance(node, ast.Attribute) and node.attr == "setattr" and last_name(node.value) == "monkeypatch")
    ]
    assert not found, f"fakes speak the real protocol; our own code is never replaced: {found}"


def test_test_files_have_names_of_their_own() -> None:
    names: dict[str, str] = {}
    for source in sources("tests"):
        base = source.name.rpartition("/")[2]
        if base.startswith("test_") and (ROOT / source.name).parent.joinpath("__init__.py").exists() is False:
            assert names.setdefault(base, source.name) == source.name, f"{source.name} and {names[base]}"


def test_safety_numbers_in_test_names_are_numbers_of_rules() -> None:
    for source in sources("tests"):
        for name in names_of_tests(source):
            if number := re.match(r"test_s(\d+)_", name):
                assert re.fullmatch(r"\d\d", number[1]), f"{source.name}: {name}: two digits"
                assert int(number[1]) in RULES, f"{source.name}: {name}: there is no such rule"
