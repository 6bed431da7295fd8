"""The real sections under damage: words of a good site moved, dropped and doubled never crash a room's check."""

import tempfile
from pathlib import Path

from court_site import FILES
from hypothesis import given, settings
from hypothesis import strategies as st

from secd.app.sections import site_sections
from secd.config.load import load_site
from secd.model.errors import ConfigError

LINES = [(name, number) for name, text in FILES.items() for number in range(len(text.splitlines()))]
WORDS = sorted({word for text in FILES.values() for word in text.replace("{", " ").replace("}", " ").split()})
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(LINES),
        st.sampled_from(["drop", "double", "empty", "swap"]),
        st.integers(0, 30),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=4,
)


def damaged(line: str, how: str, at: int, word: str) -> list[str]:
    """A line that is gone, there twice, without its value, or with one word in place of another."""
    if how == "drop":
        return []
    if how == "double":
        return [line, line]
    if how == "empty":
        return [line.partition(":")[0] + ":"]
    words = line.split(" ")
    words[at % len(words)] = word
    return [" ".join(words)]


@settings(deadline=None, max_examples=300)
@given(DAMAGE)
def test_a_damaged_site_is_a_site_or_problems(damage: list[tuple[tuple[str, int], str, int, str]]) -> None:
    files = {name: [[line] for line in text.splitlines()] for name, text in FILES.items()}
    for (name, number), how, at, word in damage:
        files[name][number] = [new for old in files[name][number] for new in damaged(old, how, at, word)]
    with tempfile.TemporaryDirectory() as directory:
        for name, lines in files.items():
            (Path(directory) / f"{name}.yaml").write_text("\n".join(line for group in lines for line in group) + "\n")
        try:
            load_site(Path(directory), site_sections())
        except ConfigError as error:
            assert error.problems  # noqa: PT017 (either outcome is right)
