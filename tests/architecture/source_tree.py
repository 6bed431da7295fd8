"""The repository's Python files, parsed once, with what an architecture test asks of them."""

import ast
import os
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("secd", "simulators", "benchmarks")
SCAFFOLDING = {
    "node_modules",
    "__pycache__",
    ".venv",
    ".git",
    "build",
    "dist",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
}


@dataclass(frozen=True)
class Source:
    """One file: its path below the root, with `/`, and its tree."""

    name: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, walked once."""
        return tuple(ast.walk(self.tree))

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


def files(folder: str = "") -> list[Path]:
    """Every file below a folder that is ours."""
    found = []
    for place, folders, names in os.walk(ROOT / folder):
        folders[:] = [name for name in folders if name not in SCAFFOLDING]
        found += [Path(place, name) for name in names]
    return sorted(found)


def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below these folders."""
    return tuple(source for folder in folders for source in _sources(folder))


@cache
def _all_sources() -> tuple[Source, ...]:
    return tuple(_parse(path) for folder in (*PRODUCT, "tests") for path in files(folder) if path.suffix == ".py")


@cache
def _sources(folder: str) -> tuple[Source, ...]:
    return tuple(source for source in _all_sources() if source.name.startswith(f"{folder}/"))


def _parse(path: Path) -> Source:
    text = path.read_text()
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


def last_name(node: ast.AST) -> str:
    """`create_task` of `create_task`, `asyncio.create_task` and `loop().create_task` alike."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def imported(node: ast.AST) -> list[str]:
    """The modules an import names: of `from a.b import c` both a.b and a.b.c."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names) if module is not None:
            return [module, *(f"{module}.{alias.name}" for alias in names)]
    return []
