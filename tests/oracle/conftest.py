"""The one Synapse process that the tests of this directory ask."""

from collections.abc import Iterator

import pytest

from tests.oracle.oracle import Oracle


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running
