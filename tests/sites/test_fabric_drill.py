"""A drill that officers order for a real data centre: its links over NATS are off, and HTTPS takes over."""

import time
from pathlib import Path

import pytest

from bongsu.lab import commands, processes
from bongsu.tower import keys
from tests.helpers.tower import Officer, install, pass_second_factor
from tests.hubs.test_tower import picture, statement
from tests.hubs.test_tower_desk import ACTS, EXERCISE, finished
from tests.sites.conftest import Lab

WAIT_S = 150


@pytest.mark.long
def test_https_takes_over_while_the_fabric_is_off(lab: Lab) -> None:
    node = lab.node("b")
    settings = Path(node.config)
    settings.write_text(settings.read_text(encoding="utf-8") + 'drills = "real"\n', encoding="utf-8")
    processes.end([node])
    commands.start(lab.plan, "b")
    mayor, chief = lab.user("a", "mayor"), lab.user("a", "chief")
    first, second = Officer("시장"), Officer("소방서장")
    install(lab.node("a").url, statement(lab, first, keys.COMMANDER, mayor))
    install(lab.node("a").url, statement(lab, second, keys.DEPUTY, chief))
    pass_second_factor(mayor)
    incident = mayor.post(ACTS, body=first.act("open", EXERCISE, areas=[]))["id"]
    said = {"plan": "fabric", "where": "site", "site": "b", "typed": "b", "minutes": 1}
    order = mayor.post(ACTS, body=first.act("drill", said, incident=incident, after=[incident]))["id"]
    said = {"drill": order, "typed": "b"}
    mayor.post(ACTS, body=second.act("confirmation", said, incident=incident, after=[order]))
    deadline = time.monotonic() + WAIT_S
    while not finished(mayor):
        assert time.monotonic() < deadline, "the drill never ended"
        time.sleep(0.1)
    figures = picture(mayor)["drills"][0]["report"]["figures"]
    assert (figures["sites"], figures["lost"], figures["broken"]) == (2, 0, 0)
    removed = {each["name"]: each["removed"] for each in picture(mayor)["inventory"]}
    assert [each["plan"] for each in removed["nats"]] == ["fabric"]
