"""What every test may use. `needs("mosquitto")` marks tests that need an outside program, `needs("root")` those that must
become another user: deselected where that is not there, an error where SECD_NEEDS=required (CI)."""

import importlib.metadata
import os
import shutil
from pathlib import Path

import pytest

STRANGERS_NODE = Path(__file__).parent / "strangers" / "node_modules"


def _present(peer: str) -> bool:
    kind, _, name = peer.partition(":")
    if kind == "npm":
        return shutil.which("node") is not None and (STRANGERS_NODE / name).is_dir()
    if kind == "python":
        return any(importlib.metadata.distributions(name=name))
    if peer == "root":
        return os.geteuid() == 0
    return shutil.which(peer) is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    required = os.environ.get("SECD_NEEDS") == "required"
    kept, left_out = [], []
    for item in items:
        missing = [peer for mark in item.iter_markers("needs") for peer in mark.args if not _present(peer)]
        if missing and required:
            raise pytest.UsageError(f"{item.nodeid} needs {', '.join(missing)}, which CI must have installed")
        (left_out if missing else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
