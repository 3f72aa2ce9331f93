"""What a hub's operator sees and does, what everybody on its Wi-Fi reads, and what an empty battery stops."""

from pathlib import Path

import httpx
import pytest

from bongsu.hub.board import NOTICES_SHOWN, OTHER_BOARDS_SHOWN
from bongsu.hub.plain import PROBES
from bongsu.lab import commands, processes
from bongsu.tower.keys import COMMANDER
from tests.api.client import User
from tests.helpers.tower import Officer, install
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_tower import knows_key, statement
from tests.server import free_port

HUB = "/_bongsu/client/v1/hub"


@pytest.fixture
def operator(lab: Lab, tmp_path: Path) -> User:
    """Somebody who runs h1, which has a battery, and plain HTTP on its Wi-Fi."""
    kim = lab.resident("h1", "kim")
    node = lab.node("h1")
    power = tmp_path / "power"
    (power / "BAT0").mkdir(parents=True)
    for field, value in (("type", "Battery"), ("capacity", "80"), ("status", "Discharging")):
        (power / "BAT0" / field).write_text(value, encoding="ascii")
    plain = f"127.0.0.1:{free_port()}"
    with Path(node.config).open("a", encoding="utf-8") as settings:
        settings.write(f'operators = ["{kim.user_id}"]\npower_supply = "{power}"\nplain_listen = "{plain}"\n')
    processes.end([node])
    commands.start(lab.plan, "h1")
    return lab.at(kim, "h1")


def test_the_operator_sees_how_the_hub_stands(lab: Lab, operator: User) -> None:
    said = operator.get(HUB)
    assert (said["site"], said["role"]) == ("h1", "hub")
    assert [each["user_id"] for each in said["residents"]] == [operator.user_id]
    assert said["notices"] == []
    assert said["battery"] == {"percent": 80, "on_mains": False, "hours_left": None, "does": "full"}
    eventually(lambda: _linked(operator) == {"a"}, "the core seen as linked")
    lab.isolate()
    eventually(lambda: _linked(operator) == set(), "the core seen as cut off")
    stranger = lab.user("h1", "stranger")
    assert stranger.request("GET", HUB).json()["errcode"] == "M_FORBIDDEN"


def _linked(operator: User) -> set[str]:
    return {each["site"] for each in operator.get(HUB)["links"] if each["linked"]}


def test_a_code_of_the_operator_lets_newcomers_in_at_this_hub_alone(lab: Lab, operator: User) -> None:
    lab.isolate()
    made = operator.post(f"{HUB}/vouch", body={"uses": 2, "hours": 1})
    path = "/_matrix/client/v1/register/m.login.registration_token/validity"
    assert lab.http["h1"].get(path, params={"token": made["token"]}).json() == {"valid": True}
    lab.reunite()
    lab.link("h1", "h2", "lan")
    eventually(lambda: lab.linked() == {"a", "h1", "h2"}, "all linked")
    for other in ("a", "h2"):
        assert lab.http[other].get(path, params={"token": made["token"]}).json() == {"valid": False}


def test_notices_and_probes_are_answered_over_plain_http(lab: Lab, operator: User) -> None:
    board = operator.create_room(
        name="<공지>",
        preset="public_chat",
        creation_content={"type": "kr.bongsu.relief"},
        initial_state=[
            {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
        ],
    )
    operator.send(board, "물은 <b>마을 회관</b>에 있습니다")
    room = operator.create_room(preset="public_chat", creation_content={"type": "kr.bongsu.relief"})
    operator.send(room, "상황실 안에서만")
    told = operator.get(HUB)["notices"]
    assert [(each["room"], each["text"]) for each in told] == [("<공지>", "물은 <b>마을 회관</b>에 있습니다")]
    # However many incidents there are, and whatever others put on boards of their own, it stays first.
    other = lab.user("h1", "other")
    for _ in range(OTHER_BOARDS_SHOWN):
        operator.create_room(preset="public_chat", creation_content={"type": "kr.bongsu.relief"})
        loud = other.create_room(
            name="<공지>",
            preset="public_chat",
            creation_content={"type": "kr.bongsu.relief"},
            initial_state=[
                {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
            ],
        )
        operator.join(loud)
        for number in range(NOTICES_SHOWN // OTHER_BOARDS_SHOWN):
            other.send(loud, f"loud {number}")
    told = operator.get(HUB)["notices"]
    assert (told[0]["text"], len(told)) == ("물은 <b>마을 회관</b>에 있습니다", NOTICES_SHOWN)
    url = _plain_of(lab)
    page = httpx.get(url, trust_env=False)
    assert page.status_code == 200
    assert "물은 &lt;b&gt;마을 회관&lt;/b&gt;에" in page.text
    assert "상황실 안에서만" not in page.text
    assert "<script" not in page.text
    for path, (status, _, body) in PROBES.items():
        answered = httpx.get(url + path, trust_env=False)
        assert (answered.status_code, answered.text) == (status, body)
    assert httpx.post(url, content=b"x", trust_env=False).status_code == 405


def test_alerts_stand_on_the_plain_page_while_they_warn(lab: Lab, operator: User) -> None:
    officer = Officer("시장")
    install(lab.node("a").url, statement(lab, officer, COMMANDER, operator))
    eventually(lambda: knows_key(operator, officer), "the officer's key at h1")
    lab.isolate()
    texts = {"ko": {"headline": "<대피>하세요"}, "en": {"headline": "Leave now"}}
    operator.post("/_bongsu/client/v1/alerts", body=officer.alert(texts=texts))
    private = {"ko": {"headline": "직원만"}}
    operator.post("/_bongsu/client/v1/alerts", body=officer.alert(texts=private, scope="Restricted"))
    page = httpx.get(_plain_of(lab), trust_env=False).text
    assert "&lt;대피&gt;하세요" in page
    assert "Leave now" in page
    assert "[훈련 · Exercise]" in page
    assert "직원만" not in page


def _plain_of(lab: Lab) -> str:
    for line in Path(lab.node("h1").config).read_text(encoding="utf-8").splitlines():
        if line.startswith("plain_listen"):
            return f"http://{line.partition(chr(34))[2].strip(chr(34))}"
    raise AssertionError("h1 has no plain listener")
