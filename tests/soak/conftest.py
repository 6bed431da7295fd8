"""The long runs: collected only with SECD_SOAK=1, by `make soak`."""

import os

if os.environ.get("SECD_SOAK") != "1":
    collect_ignore_glob = ["test_*.py"]
