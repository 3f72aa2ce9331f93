"""A drill that fails half way: the report says which step, and why, and no promise counts as kept."""

import time

from bongsu.drill import report
from bongsu.drill.plans import DrillPlan, Step
from bongsu.drill.run import Outcome, _happen
from bongsu.lab.plan import Plan


def test_the_step_that_fails_is_the_last_one_and_the_report_names_it() -> None:
    steps = (Step(0, "remove", "nobody"), Step(0, "burn", "a"))
    outcome = Outcome(DrillPlan("broken", "훈련", "A drill.", 1, steps, ()), 1)
    _happen(outcome, Plan("lab.localhost", "", ""), [], 1.0, time.monotonic(), print)
    outcome.agreed_s = 0.0
    assert not outcome.kept
    figures = report.figures(outcome)
    assert len(figures["failed"]) == 1
    assert figures["failed"][0].startswith("The step “remove nobody” at 0 s failed: The laboratory has no")
    assert [act for _, act, _ in outcome.happened] == ["remove"]
    page = report.page(outcome)
    assert "훈련이 중간에 멈췄습니다" in page
    assert "remove nobody" in page


def test_the_report_names_what_was_kept_and_yet_took_too_long() -> None:
    outcome = Outcome(DrillPlan("slow", "훈련", "A drill.", 1, (), ()), 1)
    outcome.agreed_s = 4.9
    assert outcome.kept
    assert "Not within its bound" not in report.page(outcome)
    outcome.agreed_s = 5.1
    page = report.page(outcome)
    assert "Every promise was kept. Not within its bound: all sites told the same after (s)." in page
    assert "목표를 넘은 것: 모든 곳의 기록이 같아진 때 (초)." in page


def test_what_fails_without_a_sentence_is_named_by_its_kind() -> None:
    outcome = Outcome(DrillPlan("broken", "훈련", "A drill.", 1, (), ()), 1)
    with outcome.noting("Load process 1"):
        raise TimeoutError
    assert outcome.failed == ["Load process 1 failed: TimeoutError"]
