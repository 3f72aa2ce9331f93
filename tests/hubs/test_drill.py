"""Short drills: data centres go dark, hubs are cut off, and somebody walks: no promise is broken."""

from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.drill import report
from bongsu.drill.plans import PLANS, DrillPlan, Step
from bongsu.drill.run import run

SHORT = DrillPlan(
    "short-hubs",
    "짧은 거점 훈련",
    "A short drill of hubs.",
    14,
    (Step(3, "hubs-alone"), Step(6, "courier"), Step(9, "hubs-back")),
    ("h1", "h2"),
    hubs=2,
)


def test_talk_goes_on_at_each_hub_and_merges(tmp_path: Path) -> None:
    outcome = run(
        SHORT, tmp_path / "lab", people=8, per_second=1.0, seconds=None, tls=True, progress=lambda _: None
    )
    figures = report.figures(outcome)
    assert figures["broken"] == []
    assert outcome.kept
    assert figures["acknowledged"] > 20
    assert figures["struck_clients"] >= 2, "people went on at their hub"
    assert figures["carried"] > 0


TWELVE_HOURS = replace(
    PLANS["hub-cut"],
    name="short-hub-cut",
    seconds=4,
    steps=(Step(1, "hubs-cut"), Step(1.5, "talk"), Step(2, "hubs-back"), Step(2, "merge")),
)


@pytest.mark.long
def test_twelve_hours_on_both_sides_of_a_cut_merge(tmp_path: Path) -> None:
    outcome = run(
        TWELVE_HOURS,
        tmp_path / "lab",
        people=6,
        per_second=1.0,
        seconds=None,
        tls=False,
        progress=lambda _: None,
        per_hour=2,
    )
    figures = report.figures(outcome)
    assert (figures["broken"], figures["failed"]) == ([], [])
    assert outcome.kept
    assert figures["hours_of_talk"] == 12
    assert figures["talk_messages"] == 3 * 12 * 2, "one room, three sides"
    assert all(alone >= 24 for alone in figures["written_alone"].values())
    assert figures["acts"] == 11
    told = {side: each.split("/") for side, each in figures["unread"].items()}
    assert set(told) == {"core", "h1", "h2"}
    assert all(said == true and int(true) >= 48 for said, true in told.values())
    page = report.page(outcome)
    assert "타임랩스" in page
    assert "Time-lapse" in page
