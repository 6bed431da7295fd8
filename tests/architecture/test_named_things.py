"""What the pages and the CI scripts name exists: tests, files, steps of the story, outside programs."""

import ast
import json
import re
from pathlib import Path

import pytest
from source_tree import ROOT, files, last_name, sources

from simulators.demo.story import STEPS

PAGES = sorted(path for path in files() if path.suffix == ".md")
SAFETY = (ROOT / "docs/safety.md").read_text()
RULES = range(1, 23)


def places_of_tests() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for source in sources("tests"):
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, set()).add(source.name)
    return found


def sections_of_rules() -> dict[int, str]:
    parts = re.split(r"^### S(\d+)\. ", SAFETY, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_test_named_on_the_safety_page_exists_in_its_file_and_carries_its_rule() -> None:
    there = places_of_tests()
    wrong = []
    for rule, text in sections_of_rules().items():
        for file, names in re.findall(r"^- `(tests/\S+\.py)`:((?:\s+`\w+`,?)+)", text, re.MULTILINE):
            wrong += [
                f"S{rule}: {file}: {name}"
                for name in re.findall(r"`(\w+)`", names)
                if file not in there.get(name, ()) or not name.startswith(f"test_s{rule:02}_")
            ]
    assert not wrong, "docs/safety.md names tests that are not there:\n" + "\n".join(wrong)


def test_the_safety_page_has_every_rule_and_says_where_none_is_proved() -> None:
    rules = sections_of_rules()
    assert sorted(rules) == list(RULES)
    unproved = [rule for rule, text in rules.items() if ("`test_s" in text) == ("No test: " in text)]
    assert not unproved, f"a rule is proved by tests, or the page says that it is not: {unproved}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost


def test_the_story_of_the_readme_is_the_one_that_is_played() -> None:
    told = re.findall(r"^\d+\. \*\*(.+?)\*\*", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert told == [step.name for step in STEPS]


def test_ci_installs_every_outside_program_that_a_test_needs() -> None:
    needed = {
        argument.value
        for source in sources("tests")
        for node in source.nodes
        if isinstance(node, ast.Call) and last_name(node.func) == "needs"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    script = (ROOT / ".ci/install-peers").read_text()
    npm = json.loads((ROOT / "tests/strangers/package.json").read_text())["dependencies"]
    python = re.findall(r"^([\w-]+)==", (ROOT / "requirements/strangers.txt").read_text(), re.MULTILINE)
    installed = {"root"} | {f"npm:{name}" for name in npm} | {f"python:{name}" for name in python}  # CI runs as root
    installed |= set(re.findall(r"^([\w-]+) +[\w-]+$", script, re.MULTILINE))
    assert needed <= installed, f"name it in .ci/install-peers: {sorted(needed - installed)}"
