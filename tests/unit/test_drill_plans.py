"""What happens in a drill, and when."""

from click.testing import CliRunner

from bongsu import limits
from bongsu.cli import main
from bongsu.drill.plans import PLANS


def test_a_plan_comes_once() -> None:
    plan = PLANS["site-returns"]
    assert tuple(plan.steps_within(10 * plan.seconds)) == plan.steps


def test_rounds_come_again_in_order_and_whole() -> None:
    plan = PLANS["sites-in-turn"]
    steps = list(plan.steps_within(200))
    assert len(steps) == 3 * len(plan.steps)
    assert [step.at_s for step in steps] == sorted({step.at_s for step in steps})
    # After the last step there is as much time as after that of the first round.
    assert steps[-1].act == "revive"
    assert 200 - steps[-1].at_s >= plan.seconds - plan.steps[-1].at_s


def test_a_drill_that_too_few_people_would_fail_is_refused() -> None:
    done = CliRunner().invoke(main, ["drill", "bad-deploy", "--people", "12"])
    assert done.exit_code == 1
    assert "at least --people 24" in done.output
    # Of each of the three sites there are more than a node's withdrawal asks for.
    assert PLANS["bad-deploy"].people_min / 3 > limits.WATCH_FAILED_MIN
