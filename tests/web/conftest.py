"""The node that a story of one site is told at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    started.start()
    try:
        yield started
        started.stop()
        started.verify()
    finally:
        started.kill()
