"""What takes minutes runs first; folders are in memory, and nodes are forked from one that is loaded."""

import os
import shutil
from pathlib import Path

import pytest

from bongsu.lab import processes
from tests import program

MEMORY = Path("/dev/shm")
# Of a whole run a small part of that is there at a time; containers often have 64 MB.
MEMORY_BYTES_MIN = 4 * 2**30

# `make test` gives whole files to its workers, so that a laboratory is started once a file.
FIRST = (
    "tests/sim/test_seeds.py",
    "tests/web/test_hubs.py",
    "tests/web/test_chat.py",
    "tests/web/test_tower.py",
    "tests/sites/",
    "tests/hubs/",
    "tests/web/",
    "tests/lab/",
    "tests/sim/",
    "tests/carry/",
    "tests/property/",
    "tests/e2e/",
    "tests/tidy/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Keep the tests' folders in memory: thousands of fsyncs else wait for the disk, and no test can see it.

    What a power cut leaves of a disk tests/power and the simulator show on disks of their own.
    """
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    processes.launch_node = program.launch_node


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in that order; within a file nothing changes."""
    items.sort(
        key=lambda item: next((n for n, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST))
    )
