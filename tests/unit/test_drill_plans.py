"""What happens in a drill, and when."""

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
