"""A short drill: data centres go dark, hubs are cut off, and somebody walks: no promise is broken."""

from pathlib import Path

from bongsu.drill import report
from bongsu.drill.plans import DrillPlan, Step
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
