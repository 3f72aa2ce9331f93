"""Files of tests that take minutes begin first, so that no worker is left alone with them at the end."""

import pytest

# `make test` gives whole files to its workers, so that a laboratory is started once a file.
FIRST = (
    "tests/web/test_web.py",
    "tests/sim/test_seeds.py",
    "tests/web/test_tower.py",
    "tests/sites/",
    "tests/hubs/",
    "tests/lab/",
    "tests/sim/",
    "tests/web/",
    "tests/e2e/",
    "tests/property/",
    "tests/carry/",
    "tests/tidy/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in that order; within a file nothing changes."""
    items.sort(
        key=lambda item: next((n for n, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST))
    )
