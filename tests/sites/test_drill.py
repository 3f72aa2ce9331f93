"""A short drill: a site burns under load, its report says so, and no promise is broken."""

import json
from pathlib import Path

from bongsu.drill import report
from bongsu.drill.plans import DrillPlan, Step
from bongsu.drill.run import run

SHORT = DrillPlan(
    "short", "짧은 훈련", "A short drill.", 9, (Step(3, "burn", "a"), Step(6, "revive", "a")), ("a",)
)


def test_a_site_burns_under_load_and_no_promise_is_broken(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = run(
        SHORT, tmp_path / "lab", people=12, per_second=1.0, seconds=None, tls=True, progress=said.append
    )
    figures = report.figures(outcome)
    assert figures["broken"] == []
    assert outcome.findings.clean
    assert outcome.agreed_s is not None, "all sites tell the same in the end"
    assert figures["acknowledged"] > 20
    assert figures["struck_clients"] >= 1, "clients of the burnt site went on"
    assert figures["moves"] >= 4
    assert [act for _, act, _ in outcome.happened] == ["burn", "burn done", "revive", "revive done"]
    assert "burn a" in said
    page = report.page(outcome)
    assert "<svg" in page
    assert "<script" not in page
    assert "짧은 훈련" in page
    json.dumps(figures)
