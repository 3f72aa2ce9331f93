"""Incidents: signed acts, two commanders at once, and an export that proves itself."""

import copy
from collections.abc import Callable

import pyotp
import pytest

from bongsu.tower import export, keys
from tests.api.client import User
from tests.helpers.service import ROOT
from tests.helpers.tower import Officer, install, pass_second_factor
from tests.server import Server

BASE = "/_bongsu/client/v1"
INCIDENTS = f"{BASE}/incidents"
OPENED = {
    "kind": "산불",
    "place": "강릉시 난곡동",
    "stage": "caution",
    "status": "Exercise",
    "room_id": "!r:x",
    "at": [37_751_900, 128_876_100],
}
Make = Callable[[str], User]


def test_an_incident_from_its_opening_to_its_end(
    tower: Server, mayor: tuple[User, Officer], person: Make
) -> None:
    user, officer = mayor
    deputy = Officer("부시장")
    install(tower.url, deputy.statement(keys.DEPUTY))
    name = user.post(f"{INCIDENTS}/acts", body=officer.act("open", OPENED, areas=[]))["incident"]

    def act(by: Officer, kind: str, said: dict[str, object], after: list[str]) -> str:
        body = by.act(kind, said, incident=name, after=after)
        answer: str = user.post(f"{INCIDENTS}/acts", body=body)["id"]
        return answer

    for wrong in ([91_000_000, 0], "there", [1], [True, 1]):
        bad = officer.act("open", {**OPENED, "at": wrong}, areas=[])
        user.refused(400, "M_INVALID_PARAM", "POST", f"{INCIDENTS}/acts", body=bad)
    one = act(officer, "stage", {"stage": "alert"}, [name])
    # The deputy, cut off, did not know of that.
    two = act(deputy, "stage", {"stage": "serious"}, [name])
    found = user.get(INCIDENTS, name)["state"]
    assert (found["stage"], sorted(found["heads"])) == ("serious", sorted([one, two]))
    assert [(each["about"], sorted(each["acts"])) for each in found["conflicts"]] == [
        ("stage", sorted([one, two]))
    ]
    both = act(officer, "stage", {"stage": "alert"}, [one, two])
    handed = act(officer, "handover", {"to": deputy.id, "role": "commander"}, [both])
    last = act(deputy, "close", {"text": "<script>alert(1)</script>"}, [handed])
    listed = {each["id"]: each for each in user.get(INCIDENTS)["incidents"]}
    assert listed[name]["conflicts"] == []
    assert (listed[name]["stage"], listed[name]["closed"], listed[name]["heads"]) == ("alert", True, [last])
    assert listed[name]["commander_name"] == "부시장"
    whole = user.get(INCIDENTS, name)
    assert export.problems(whole, ROOT.public) == []
    report = user.request("GET", INCIDENTS, name, "report")
    assert report.headers["content-type"].startswith("text/html")
    assert "난곡동" in report.text
    assert "<script" not in report.text
    person("eve").refused(403, "M_FORBIDDEN", "GET", INCIDENTS, name)


def test_an_export_that_was_touched_shows(mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    name = user.post(f"{INCIDENTS}/acts", body=officer.act("open", OPENED, areas=[]))["incident"]
    body = officer.act("order", {"text": "대피"}, incident=name, after=[name])
    user.post(f"{INCIDENTS}/acts", body=body)
    user.post(f"{INCIDENTS}/acts", body=officer.act("report", {"text": "끝"}, incident=name, after=[name]))
    whole = user.get(INCIDENTS, name)
    assert export.problems(whole) == []
    changed = copy.deepcopy(whole)
    changed["acts"][1]["content"]["content"]["text"] = "복귀"
    missing = copy.deepcopy(whole)
    del missing["acts"][0]
    state = copy.deepcopy(whole)
    state["state"]["stage"] = "serious"
    signature = copy.deepcopy(whole)
    signature["acts"][1]["signatures"] = {}
    renamed = copy.deepcopy(whole)
    renamed["names"][officer.id] = "부시장"
    for each in (
        changed,
        missing,
        state,
        signature,
        renamed,
        {**whole, "acts": None},
        {**whole, "keys": []},
        {},
    ):
        assert export.problems(each) != []
    assert export.problems(whole, Officer().key.public) != []


def test_missing_people_are_listed_until_they_are_found(mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    path = f"{INCIDENTS}/acts"
    name = user.post(path, body=officer.act("open", OPENED, areas=[]))["incident"]
    ids = []
    for person in ("김철수", "이영희"):
        said = {"form": "missing", "name": person, "where": "경포 해변"}
        ids.append(user.post(path, body=officer.act("report", said, incident=name, after=[name]))["id"])
    said = {"form": "found", "person": ids[0]}
    user.post(path, body=officer.act("report", said, incident=name, after=ids))
    listed = {each["id"]: each for each in user.get(INCIDENTS, name)["state"]["missing"]}
    assert [(listed[each]["name"], listed[each]["found"]) for each in ids] == [
        ("김철수", True),
        ("이영희", False),
    ]
    for odd in ({"form": "missing"}, {"form": "missing", "name": ""}, {"form": "found", "person": "he"}):
        body = officer.act("report", odd, incident=name, after=[name])
        assert user.request("POST", path, body=body).status_code == 400


def test_who_may_act(tower: Server, mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    agency, local = Officer("한전"), Officer("옥계면")
    install(tower.url, agency.statement(keys.AGENCY))
    install(tower.url, local.statement(areas=("okgye",)))
    path = f"{INCIDENTS}/acts"
    name = user.post(path, body=officer.act("open", OPENED, areas=["gyeongpo"]))["incident"]
    at = {"incident": name, "after": [name]}
    user.post(path, body=agency.act("report", {"text": "정전"}, **at))
    user.post(path, body=local.act("request", {"text": "헬기"}, **at))
    for by, kind, said in (
        (agency, "stage", {"stage": "serious"}),
        (agency, "close", {}),
        (local, "order", {}),
        (Officer("도둑"), "report", {}),
    ):
        user.refused(403, "M_FORBIDDEN", "POST", path, body=by.act(kind, said, **at))
    user.refused(403, "M_FORBIDDEN", "POST", path, body=agency.act("open", OPENED, areas=[]))
    lost = officer.act("report", {}, incident="0" * 32, after=["0" * 32])
    user.refused(404, "M_NOT_FOUND", "POST", path, body=lost)


@pytest.mark.parametrize(
    "body",
    [
        {"act": "dance"},
        {"act": "stage", "said": {"stage": "purple"}},
        {"act": "handover", "said": {"to": "me", "role": "commander"}},
        {"act": "report", "said": {"text": "가" * 9_000}},
        {"act": "report", "after": []},
        {"act": "open", "said": OPENED},
    ],
)
def test_odd_acts(body: dict[str, object], mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    name = user.post(f"{INCIDENTS}/acts", body=officer.act("open", OPENED, areas=[]))["incident"]
    after = body.get("after", [name])
    handed = officer.act(str(body["act"]), body.get("said"), incident=name, after=after)  # type: ignore[arg-type]
    answer = user.request("POST", f"{INCIDENTS}/acts", body=handed)
    assert answer.status_code in (400, 413), answer.text


def test_the_second_factor(tower: Server, person: Make) -> None:
    user, officer = person("officer"), Officer()
    install(tower.url, officer.statement(users=(user.user_id,)))
    path = f"{BASE}/second_factor"
    refused = user.refused(403, "KR_BONGSU_SECOND_FACTOR", "GET", INCIDENTS)
    assert not refused["enrolled"]
    user.refused(403, "M_FORBIDDEN", "POST", path, body={"code": "000000"})
    secret = pass_second_factor(user)
    user.get(INCIDENTS)
    # A code counts once, a session by itself, and nobody takes another secret.
    user.refused(403, "M_FORBIDDEN", "POST", path, body={"code": pyotp.TOTP(secret).now()})
    other = user.another_device()
    assert other.refused(403, "KR_BONGSU_SECOND_FACTOR", "GET", INCIDENTS)["enrolled"]
    other.refused(403, "M_FORBIDDEN", "POST", f"{path}/enrol")
