"""A problem as a person reads it: place, what is wrong, the source line with a caret, what was expected."""

from secd.config.source import visible
from secd.model.errors import Problem

WIDTH_MAX = 120


def render_problem(problem: Problem) -> str:
    """`file:line:column: message`, the line, a caret, `expected: ...`; no control character reaches the terminal."""
    level = "warning: " if problem.severity == "warning" else ""
    lines = [f"{visible(problem.path)}:{problem.line}:{problem.column}: {level}{visible(problem.message)}"]
    if problem.source_line.strip():
        shown, caret = _window(visible(problem.source_line), problem.column)
        lines += [f"    {shown}", f"    {' ' * caret}^"]
    if problem.expected:
        lines.append(f"    expected: {visible(problem.expected)}")
    return "\n".join(lines)


def _window(line: str, column: int) -> tuple[str, int]:
    """The line, cut to a width around the place, and where the caret goes."""
    caret = min(max(column - 1, 0), len(line))
    start = max(0, caret - WIDTH_MAX * 2 // 3) if len(line) > WIDTH_MAX else 0
    shown = line[start : start + WIDTH_MAX]
    if start:
        return "..." + shown, caret - start + 3
    return shown, caret
