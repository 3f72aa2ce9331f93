"""The core is gone: hubs declare incidents, warn and ask who is safe; merged, everything counts once."""

from pathlib import Path
from typing import Any, Protocol

import pyotp

from bongsu.lab import commands
from bongsu.lab.plan import Plan
from bongsu.rootkey import RootKey
from bongsu.tower import keys
from bongsu.tower.keys import TowerKey
from tests.api.client import User
from tests.helpers.tower import Officer, install, pass_second_factor
from tests.hubs.conftest import HUBS, Lab, eventually

BASE = "/_bongsu/client/v1"
OPENED = {"kind": "산불", "place": "강릉시 난곡동", "stage": "caution", "status": "Exercise"}


class _Planned(Protocol):
    plan: Plan


def statement(lab: _Planned, officer: Officer, role: str, user: User) -> str:
    folder = Path(lab.plan.folder)
    words = (folder / commands.PASSPHRASE_FILE).read_text(encoding="utf-8").strip()
    root = RootKey.load(folder / commands.ROOT_FILE, words)
    key = TowerKey(
        officer.key.public,
        officer.name,
        role,
        users=(user.user_id,),
        issued_ms=1_000,
        expires_ms=1_990_000_000_000,
    )
    return keys.certify(key, root.sign)


def knows_key(user: User, officer: Officer) -> bool:
    return officer.id in {each["id"] for each in user.get(f"{BASE}/tower/keys")["keys"]}


def state(user: User, incident: str) -> dict[str, Any]:
    found: dict[str, Any] = user.get(f"{BASE}/incidents", incident)["state"]
    return found


def test_the_tower_works_at_hubs_with_the_core_gone(lab: Lab) -> None:
    mayor, kim = (lab.resident("h1", name) for name in ("mayor", "kim"))
    deputy, park = (lab.resident("h2", name) for name in ("deputy", "park"))
    home = {mayor: "h1", kim: "h1", deputy: "h2", park: "h2"}
    first, second = Officer("시장"), Officer("부시장")
    for officer, role, user in ((first, keys.COMMANDER, mayor), (second, keys.DEPUTY, deputy)):
        install(lab.node("a").url, statement(lab, officer, role, user))
    there = {user: lab.at(user, hub) for user, hub in home.items()}
    for user in there.values():
        eventually(lambda user=user: knows_key(user, first) and knows_key(user, second), "tower keys")
    secrets = {user: pass_second_factor(there[user]) for user in (mayor, deputy)}
    incident = there[mayor].post(f"{BASE}/incidents/acts", body=first.act("open", OPENED, areas=[]))["id"]
    eventually(lambda: incident in known(there[deputy]), "the incident at h2")

    lab.burn()
    lab.isolate()
    tokens = {user: client.sync()["next_batch"] for user, client in there.items()}
    after = {"incident": incident, "after": [incident]}
    act = f"{BASE}/incidents/acts"
    there[mayor].post(act, body=first.act("stage", {"stage": "alert"}, **after))
    there[deputy].post(act, body=second.act("stage", {"stage": "serious"}, **after))
    alerts = {
        "h1": there[mayor].post(f"{BASE}/alerts", body=first.alert())["id"],
        "h2": there[deputy].post(f"{BASE}/alerts", body=second.alert())["id"],
    }
    for user in (kim, park):
        hub = home[user]
        answer = there[user].sync_until(lambda answer: "kr.bongsu.alerts" in answer, tokens[user])
        assert [each["id"] for each in answer["kr.bongsu.alerts"]["alerts"]] == [alerts[hub]]
        there[user].put(f"{BASE}/alerts", alerts[hub], "ack", body={"answer": "confirmed"})
    call = there[mayor].post(f"{BASE}/safety_calls", body=first.call())["id"]
    there[kim].post(f"{BASE}/check_ins", body={"answer": "safe", "request": call})
    there[park].post(f"{BASE}/check_ins", body={"answer": "help", "where": "옥상"})
    there[park].post(f"{BASE}/check_ins", body={"answer": "safe"})
    there[park].post(f"{BASE}/check_ins", body={"answer": "help", "where": "지하"})
    assert state(there[mayor], incident)["conflicts"] == []
    seen = there[mayor].get(f"{BASE}/tower/picture")
    assert {each["site"]: each["linked"] for each in seen["sites"]} == {"a": False, "h1": True, "h2": False}

    lab.revive()
    lab.reunite()
    boss = lab.at(mayor, "a")
    eventually(lambda: lab.knows(mayor, "a"), "the core knowing the mayor")
    eventually(lambda: enters(boss, secrets[mayor]), "the second factor at the core")
    eventually(lambda: set(alerts.values()) <= {each["id"] for each in boss.get(f"{BASE}/alerts")["alerts"]})
    eventually(lambda: state(boss, incident)["conflicts"] != [], "the conflict at the core")
    found = state(boss, incident)
    assert (found["stage"], [each["about"] for each in found["conflicts"]]) == ("serious", ["stage"])
    eventually(lambda: [each["where"] for each in picture(boss)["help"]] == ["지하"], "the call for help")
    counts = {each["id"]: each["areas"] for each in picture(boss)["alerts"]}
    for name in alerts.values():
        assert sum(area.get("confirmed", 0) for area in counts[name].values()) == 1
    sums = picture(boss)["calls"][0]["areas"]
    assert sum(area.get("safe", 0) for area in sums.values()) == 1
    both = boss.get(f"{BASE}/incidents", incident)["state"]["heads"]
    said = first.act("stage", {"stage": "serious"}, incident=incident, after=both)
    boss.post(act, body=said)
    assert state(boss, incident)["conflicts"] == []
    for hub in HUBS:
        eventually(lambda hub=hub: same_tower(lab, hub), f"{hub} holding what the core holds")


def known(user: User) -> set[str]:
    return {each["id"] for each in user.get(f"{BASE}/incidents")["incidents"]}


def picture(user: User) -> dict[str, Any]:
    found: dict[str, Any] = user.get(f"{BASE}/tower/picture")
    return found


def enters(user: User, secret: str) -> bool:
    """The officer gives a code at another site, too."""
    path = f"{BASE}/second_factor"
    return user.request("POST", path, body={"code": pyotp.TOTP(secret).now()}).status_code == 200


def same_tower(lab: Lab, hub: str) -> bool:
    return lab.digests("a").get("service") == lab.digests(hub).get("service")
