"""A short drill: a site burns under load, its report says so, and no promise is broken."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bongsu.cli import main
from bongsu.drill import plans, report
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


@pytest.mark.long
def test_a_drill_whose_step_fails_reports_what_was_counted_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (Step(3, "remove", "nobody"), Step(4, "burn", "a"))
    monkeypatch.setitem(plans.PLANS, "broken", DrillPlan("broken", "훈련", "A drill.", 6, steps, ()))
    found, page = tmp_path / "found.json", tmp_path / "page.html"
    command = ["drill", "broken", "--people=6", "--no-tls", f"--json={found}", f"--html={page}"]
    assert CliRunner().invoke(main, command).exit_code == 1
    figures = json.loads(found.read_text())
    assert figures["failed"] == [
        "The step “remove nobody” at 3 s failed: The laboratory has no nobody. It has: "
        "a, b, c, nats-a, nats-b, nats-c."
    ]
    assert figures["acknowledged"] > 0
    assert [act for _, act, _ in figures["happened"]] == ["remove"], "it was the last step"
    assert "The laboratory has no nobody" in page.read_text()
