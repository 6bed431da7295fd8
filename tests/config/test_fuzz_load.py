"""Whatever stands in a file, it is a site or a list of problems; it never hangs and never crashes."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from toy_site import SECTIONS

from secd.config.load import load_site
from secd.config.render import render_problem
from secd.model.errors import ConfigError, Problem

WORDS = st.sampled_from([
    "house", "name", "areas", "within", "rules", "who", "when", "not", "mode", "card", "always", "alarms", "do", "snapshot",
    "cameras", "of_the_door", "devices", "driver", "board", "camera", "password", "file", "hunter2", "points", "input", "d/1",
    "formats", "cards", "format", "per_area", "hold", "5s", "true", "yes", "~", "null", "0123", "22:30", "a b", "x", "é", "🔑",
])  # fmt: skip
PIECES = st.one_of(
    WORDS,
    st.sampled_from([
        ": ", ":", "\n", "\n  ", "\n    ", "- ", ", ", "{", "}", "[", "]", "|\n", ">\n", "'", '"', "#", "&a ", "*a", "!!str ", "<<",
        "? ", "---\n", "...\n", "%YAML 1.1\n", "\t", "\r", "\ufeff", "\x00", "\x85", "\u2028", "\u202e", "\\", "@", "`",
    ]),
    st.text(max_size=5),
)  # fmt: skip
TREES = st.recursive(
    WORDS,
    lambda below: st.one_of(
        st.lists(below, max_size=4).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(WORDS, below, max_size=5).map(
            lambda pairs: "{" + ", ".join(f"'{key}': {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=25,
)
FILES = st.dictionaries(st.sampled_from([section.key for section in SECTIONS]), TREES, max_size=5).map(
    lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs.items())
)


def try_to_load(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "a.yaml").write_bytes(content)
        for path in (Path(directory), Path(directory) / "a.yaml"):
            for problem in said_about(path):
                assert all(character.isprintable() or character == "\n" for character in render_problem(problem))


def said_about(path: Path) -> tuple[Problem, ...]:
    try:
        return load_site(path, SECTIONS).warnings
    except ConfigError as error:
        return error.problems or (Problem(path="", line=0, column=0, message="\0 refused without a reason"),)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_site_or_problems(content: bytes) -> None:
    try_to_load(content)


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_that_looks_like_yaml_is_a_site_or_problems(text: str) -> None:
    try_to_load(text.encode("utf-8", errors="surrogatepass"))


@settings(deadline=None, max_examples=400)
@given(FILES)
def test_any_tree_of_known_words_is_a_site_or_problems(text: str) -> None:
    try_to_load(text.encode())
