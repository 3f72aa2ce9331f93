"""What the tower decides for every node: the staff's room at each hub, and drills that two officers order."""

from pathlib import Path
from typing import Any

import pytest

from bongsu.lab import commands, processes
from bongsu.tower import keys
from tests.api.client import User
from tests.helpers.tower import Officer, install, pass_second_factor
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_tower import BASE, knows_key, picture, statement

EXERCISE = {"kind": "훈련", "place": "강릉", "stage": "attention", "status": "Exercise"}
ACTS = f"{BASE}/incidents/acts"


def officers(lab: Lab) -> tuple[User, Officer, Officer]:
    """A commander who looks at the tower, and the keys of two."""
    mayor, chief = lab.user("a", "mayor"), lab.user("a", "chief")
    first, second = Officer("시장"), Officer("소방서장")
    install(lab.node("a").url, statement(lab, first, keys.COMMANDER, mayor))
    install(lab.node("a").url, statement(lab, second, keys.DEPUTY, chief))
    pass_second_factor(mayor)
    return mayor, first, second


def test_the_staffs_room_is_at_a_hub_that_has_none_of_them(lab: Lab) -> None:
    mayor, _, _ = officers(lab)
    private = mayor.create_room(preset="private_chat")
    mayor.refused(400, "M_INVALID_PARAM", "PUT", f"{BASE}/tower/staff_room", body={"room_id": private})
    room = mayor.create_room(preset="private_chat", creation_content={"type": "kr.bongsu.relief"})
    mayor.send(room, "운영진 모이세요")
    scope = f"room {room}"
    assert not any(scope in name for name in lab.digests("h1"))
    mayor.put(f"{BASE}/tower/staff_room", body={"room_id": room})
    for hub in ("h1", "h2"):
        eventually(lambda hub=hub: same(lab, hub, room), f"the room at {hub}")
    assert picture(mayor)["staff_room"] == room


def same(lab: Lab, hub: str, room: str) -> bool:
    """Whether the hub holds all of the room that the core holds."""
    core, there = lab.digests("a"), lab.digests(hub)
    names = [name for name in core if room in name]
    return bool(names) and all(core[name] == there.get(name) for name in names)


@pytest.mark.long
def test_two_officers_cut_a_hub_off_and_it_comes_back_by_itself(lab: Lab) -> None:
    let(lab, "h1", "real")
    mayor, first, second = officers(lab)
    kim = lab.at(lab.resident("h1", "kim"), "h1")
    eventually(lambda: knows_key(kim, second), "the officers' keys at h1")
    incident = mayor.post(ACTS, body=first.act("open", EXERCISE, areas=[]))["id"]
    said = {"plan": "cut", "where": "site", "site": "h1", "typed": "h1", "minutes": 1}
    order = mayor.post(ACTS, body=first.act("drill", said, incident=incident, after=[incident]))["id"]
    assert [(each["id"], each["state"]) for each in picture(mayor)["drills"]] == [(order, "waiting")]
    said = {"drill": order, "typed": "h1"}
    mayor.post(ACTS, body=second.act("confirmation", said, incident=incident, after=[order]))
    eventually(lambda: "h1" not in lab.linked(), "h1 cut off")
    kim.send(kim.create_room(), "끊겨도 말한다")
    # The cut itself takes a minute.
    eventually(lambda: finished(mayor), "the drill's end", wait_s=120)
    figures = picture(mayor)["drills"][0]["report"]["figures"]
    assert figures["acknowledged"] > 0
    assert (figures["lost"], figures["broken"]) == (0, 0)
    removed = {each["name"]: each["removed"] for each in picture(mayor)["inventory"]}
    assert removed["link"][0]["site"] == "h1"


@pytest.mark.long
def test_a_drill_in_a_laboratory_is_ordered_and_reported(lab: Lab) -> None:
    let(lab, "a", "lab")
    mayor, first, _ = officers(lab)
    incident = mayor.post(ACTS, body=first.act("open", EXERCISE, areas=[]))["id"]
    said = {"plan": "calm", "where": "lab", "site": "a"}
    mayor.post(ACTS, body=first.act("drill", said, incident=incident, after=[incident]))
    eventually(lambda: finished(mayor), "the drill's end", wait_s=240)
    figures = picture(mayor)["drills"][0]["report"]["figures"]
    assert figures["acknowledged"] > 0
    assert (figures["lost"], figures["broken"]) == (0, 0)


@pytest.mark.long
def test_restarts_are_done_one_after_the_other(lab: Lab) -> None:
    let(lab, "h1", "restart")
    mayor, first, second = officers(lab)
    kim = lab.resident("h1", "kim")
    eventually(lambda: knows_key(kim, second), "the officers' keys at h1")
    incident = mayor.post(ACTS, body=first.act("open", EXERCISE, areas=[]))["id"]
    said = {"plan": "restart", "where": "site", "site": "h1", "typed": "h1"}
    after = incident
    # The second comes while the node is busy with the first: it ends, or says what became of it.
    for _ in range(2):
        order = mayor.post(ACTS, body=first.act("drill", said, incident=incident, after=[after]))["id"]
        consent = {"drill": order, "typed": "h1"}
        after = mayor.post(ACTS, body=second.act("confirmation", consent, incident=incident, after=[order]))[
            "id"
        ]
    for _ in range(2):
        # The test is the service manager.
        eventually(lambda: not processes.is_running(lab.node("h1")), "the node's end")
        commands.start(lab.plan, "h1")
    eventually(lambda: all(done(each) for each in picture(mayor)["drills"]), "the ends of both")
    reports = [each["report"]["figures"] for each in picture(mayor)["drills"]]
    assert [each["broken"] for each in reports] == [0, 0]
    assert all(each["away_s"] > 0 and each["level_after_s"] >= each["linked_after_s"] for each in reports)


@pytest.mark.long
def test_a_drill_whose_node_ends_is_said_to_be_interrupted(lab: Lab) -> None:
    let(lab, "a", "lab")
    mayor, first, _ = officers(lab)
    other = lab.user("a", "other")
    install(lab.node("a").url, statement(lab, Officer("부시장"), keys.DEPUTY, other))
    incident = mayor.post(ACTS, body=first.act("open", EXERCISE, areas=[]))["id"]
    said = {"plan": "calm", "where": "lab", "site": "a"}
    mayor.post(ACTS, body=first.act("drill", said, incident=incident, after=[incident]))
    eventually(lambda: picture(mayor)["drills"][0]["report"] is not None, "the drill's beginning")
    assert not finished(mayor)
    eventually(lambda: len(below(lab.node("a").pid)) > 1, "the laboratory's processes")
    laboratory = below(lab.node("a").pid)
    processes.kill(lab.node("a"))
    eventually(lambda: not any(command(pid) for pid in laboratory), "the end of the laboratory")
    commands.start(lab.plan, "a")
    pass_second_factor(other)
    eventually(lambda: finished(other), "the word of the restarted node")
    assert picture(other)["drills"][0]["report"]["figures"] == {"interrupted": 1, "broken": 1}


def let(lab: Lab, site: str, what: str) -> None:
    """Say in a site's settings what officers may order there."""
    node = lab.node(site)
    settings = Path(node.config)
    settings.write_text(settings.read_text(encoding="utf-8") + f'drills = "{what}"\n', encoding="utf-8")
    processes.end([node])
    commands.start(lab.plan, site)
    eventually(lambda: lab.linked() == {"a", "h1", "h2"}, "every site linked")


def finished(user: User) -> bool:
    return done(picture(user)["drills"][0])


def done(drill: dict[str, Any]) -> bool:
    return drill["report"] is not None and drill["report"]["ended"] is not None


def below(pid: int) -> list[int]:
    """The children of a process, their children and so on."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def command(pid: int) -> bytes:
    """What runs as this process; nothing once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
