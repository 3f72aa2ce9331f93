"""The tower in a real browser: its screens in both languages and widths, and the Gangneung drill."""

from pathlib import Path

import pytest

from bongsu.lab import commands
from bongsu.lab.plan import Plan
from tests.web import gangneung
from tests.web.story import SCREENSHOTS, tell


@pytest.mark.parametrize(
    ("language", "width"),
    [
        ("ko", 360),
        ("en", 1280),
        *(pytest.param(*each, marks=pytest.mark.long) for each in (("ko", 1280), ("en", 360))),
    ],
)
def test_alerts_check_ins_and_the_tower(tmp_path: Path, language: str, width: int) -> None:
    lab = tmp_path / "lab"
    commands.up(lab, 1, tls=False, hubs=2)
    try:
        tell("tower.mjs", str(lab), str(SCREENSHOTS), language, str(width))
    finally:
        # The story makes links of its own, which the plan on disk knows.
        commands.down(Plan.load(lab))


@pytest.mark.long
def test_gangneung(tmp_path: Path) -> None:
    found, said = gangneung.run(tmp_path, SCREENSHOTS, "ko")
    assert found["broken"] == [], said
    assert found["acts"] == 4, said
