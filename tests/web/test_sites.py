"""People use the web client in Chromium at three data centres, of which one burns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu.lab import commands
from bongsu.lab.plan import Plan
from tests.web.story import SCREENSHOTS, tell


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Plan]:
    plan = commands.up(tmp_path / "lab", 3, tls=False)
    try:
        yield plan
    finally:
        commands.down(plan)


@pytest.mark.parametrize("language", ["ko", pytest.param("en", marks=pytest.mark.long)])
def test_people_chat_on_when_a_data_centre_burns(lab: Plan, language: str) -> None:
    tell("sites.mjs", str(lab.folder), str(SCREENSHOTS), language)
