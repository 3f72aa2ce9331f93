"""Alerts through the API: only a tower key makes one, everybody gets it at once, answers are counted."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bongsu.canonical import unpadded_base64
from bongsu.log.key import NodeKey
from bongsu.tower import alert, brief, keys, signed
from tests.api.client import User, http_client
from tests.api.test_pusher import pusher
from tests.api.test_web_push import browsers_pusher, key_of
from tests.helpers.gateway import Gateway
from tests.helpers.push_service import PushService
from tests.helpers.service import ROOT
from tests.helpers.tower import DAY_MS, HOUR_MS, Officer, alert_content, install, now_ms, rooted_server
from tests.server import Server

ALERTS = "/_bongsu/client/v1/alerts"
SECTION = "kr.bongsu.alerts"


def news(user: User, since: str) -> dict[str, Any]:
    answer = user.sync_until(lambda answer: SECTION in answer, since)
    return {each["id"]: each for each in answer[SECTION]["alerts"]}


def test_an_alert_reaches_whoever_waits(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, officer = mayor
    alice = person("alice")
    since = alice.sync()["next_batch"]
    found: dict[str, Any] = {}
    waiting = threading.Thread(target=lambda: found.update(news(alice, since)))
    waiting.start()
    handed = officer.alert()
    answer = user.post(ALERTS, body=handed)
    waiting.join()
    assert answer["state"] == "standing"
    shown = found[answer["id"]]
    assert shown["content"] == handed["content"]
    assert shown["signed_by"] == [officer.name]
    assert answer["id"] == alert.alert_id(handed["content"])
    # Handed in again, and without an account: it is the same.
    assert User(alice.http, "").post(ALERTS, body=handed) == answer
    assert answer["id"] in {each["id"] for each in person("late").sync()[SECTION]["alerts"]}


def test_answers_are_counted(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, officer = mayor
    alice, bob = person("alice"), person("bob")
    name = user.post(ALERTS, body=officer.alert())["id"]
    alice.put(ALERTS, name, "ack", body={"answer": "seen"})
    alice.put(ALERTS, name, "ack", body={"answer": "confirmed"})
    alice.put(ALERTS, name, "ack", body={"answer": "confirmed"})
    bob.put(ALERTS, name, "ack", body={"answer": "cannot"})
    told = user.get(ALERTS, name, "acks")
    here = told["areas"]["gangneung"]
    assert (here["confirmed"], here["cannot"]) == (1, 1)
    assert here["people"] == here["silent"] + 2
    assert told["cannot"] == [bob.user_id]
    assert user.user_id in told["silent"]
    mine = {each["id"]: each["answer"] for each in alice.get(ALERTS)["alerts"]}
    assert mine[name] == "confirmed"
    alice.refused(403, "M_FORBIDDEN", "GET", ALERTS, name, "acks")
    alice.refused(400, "M_INVALID_PARAM", "PUT", ALERTS, name, "ack", body={"answer": "maybe"})
    alice.refused(404, "M_NOT_FOUND", "PUT", ALERTS, "0" * 32, "ack", body={"answer": "seen"})


def test_a_device_that_comes_late_takes_no_answer_back(
    mayor: tuple[User, Officer], person: Callable[[str], User]
) -> None:
    user, officer = mayor
    alice = person("alice")
    name = user.post(ALERTS, body=officer.alert())["id"]
    alice.put(ALERTS, name, "ack", body={"answer": "cannot"})
    # Her PC wakes and shows the card: nobody has looked at it.
    alice.put(ALERTS, name, "ack", body={"answer": "seen"})
    assert user.get(ALERTS, name, "acks")["cannot"] == [alice.user_id]
    alice.put(ALERTS, name, "ack", body={"answer": "confirmed"})
    assert user.get(ALERTS, name, "acks")["cannot"] == []


def test_who_answered_the_brief_has_answered_its_alert(
    mayor: tuple[User, Officer], person: Callable[[str], User]
) -> None:
    user, officer = mayor
    alice, bob = person("alice"), person("bob")
    handed = officer.alert()
    payload = brief.payload(handed["content"])
    raw = brief.encode(payload, officer.id, brief.sign(payload, officer.key.sign_bytes))
    short = alice.post(ALERTS, body={"brief": unpadded_base64(raw)})["id"]
    alice.put(ALERTS, short, "ack", body={"answer": "cannot"})
    whole = user.post(ALERTS, body=handed)["id"]
    # A phone that was away tells what it was answered then.
    bob.put(ALERTS, short, "ack", body={"answer": "confirmed"})
    told = user.get(ALERTS, whole, "acks")
    assert told["cannot"] == [alice.user_id]
    assert not {alice.user_id, bob.user_id} & set(told["silent"])
    mine = {each["id"]: each["answer"] for each in alice.get(ALERTS)["alerts"]}
    assert mine[whole] == "cannot"


def test_update_and_cancel(mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    first = user.post(ALERTS, body=officer.alert())["id"]
    second = user.post(ALERTS, body=officer.alert(msg_type="Update", references=[first]))["id"]
    since = user.sync()["next_batch"]
    third = user.post(ALERTS, body=officer.alert(msg_type="Cancel", references=[second]))["id"]
    found = news(user, since)
    assert (found[second]["state"], found[third]["state"]) == ("cancelled", "standing")
    states = {each["id"]: each["state"] for each in user.get(ALERTS)["alerts"]}
    assert (states[first], states[second]) == ("replaced", "cancelled")


def test_two_people(tower: Server, mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, _ = mayor
    careful, second = Officer("소방서장"), Officer("부시장")
    install(tower.url, careful.statement(two_person=True, users=("@chief:localhost",)))
    install(tower.url, second.statement(keys.DEPUTY, users=("@deputy:localhost",)))
    alice = person("alice")
    since = alice.sync()["next_batch"]
    handed = careful.alert()
    answer = alice.post(ALERTS, body=handed)
    assert answer["state"] == "pending"
    assert SECTION not in alice.sync(since)
    assert answer["id"] not in {each["id"] for each in alice.get(ALERTS)["alerts"]}
    assert answer["id"] in {each["id"] for each in user.get(ALERTS)["alerts"]}
    content = handed["content"]
    more = {"content": content, "signatures": {second.id: second.sign(signed.ALERT, content)}}
    assert alice.post(ALERTS, body=more)["state"] == "standing"
    assert sorted(news(alice, since)[answer["id"]]["signed_by"]) == ["부시장", "소방서장"]


def test_who_may_not(tower: Server, mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    stranger, local, old = Officer("도둑"), Officer("경포동"), Officer("전임")
    user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=stranger.alert())
    install(tower.url, local.statement(areas=("gyeongpo",)))
    user.post(ALERTS, body=local.alert(areas=["gyeongpo"]))
    user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=local.alert(areas=["gyeongpo", "okgye"]))
    user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=local.alert())
    install(tower.url, old.statement(issued=1_000, expires=2_000))
    user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=old.alert())
    # Whoever is no holder of the root key lets nobody in.
    forged = stranger.statement(by=NodeKey.generate())
    path = "/_bongsu/node/v1/tower_keys"
    user.refused(400, "M_INVALID_PARAM", "POST", path, body={"statement": forged})
    for changed in ({"event": "지진"}, {"areas": ["okgye"]}, {"status": "Actual"}):
        lie = officer.alert()
        lie["content"].update(changed)
        user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=lie)


def test_a_key_that_was_ended(
    tower: Server, mayor: tuple[User, Officer], person: Callable[[str], User]
) -> None:
    user, officer = mayor
    alice = person("alice")
    before = user.post(ALERTS, body=officer.alert(sent=now_ms() - HOUR_MS, expires=now_ms() + HOUR_MS))["id"]
    after = user.post(ALERTS, body=officer.alert())["id"]
    since = alice.sync()["next_batch"]
    install(tower.url, keys.end(officer.id, 1, now_ms() - HOUR_MS // 2, ROOT.sign_bytes))
    found = news(alice, since)
    assert (found[before]["state"], found[after]["state"]) == ("standing", "refused")
    user.refused(403, "M_FORBIDDEN", "POST", ALERTS, body=officer.alert())
    listed = {each["id"]: each for each in user.get("/_bongsu/client/v1/tower/keys")["keys"]}
    assert listed[officer.id]["ended"] is not None
    assert not listed[officer.id]["mine"]


def test_what_a_thief_called_off_stands_again(
    tower: Server, mayor: tuple[User, Officer], person: Callable[[str], User]
) -> None:
    user, officer = mayor
    alice, stolen = person("alice"), Officer("도둑맞은 열쇠")
    install(tower.url, stolen.statement())
    name = user.post(ALERTS, body=officer.alert())["id"]
    user.post(ALERTS, body=stolen.alert(msg_type="Cancel", references=[name]))
    payload = brief.payload(alert_content(stolen.id))
    raw = brief.encode(payload, stolen.id, brief.sign(payload, stolen.key.sign_bytes))
    lie = user.post(ALERTS, body={"brief": unpadded_base64(raw)})["id"]
    since = alice.sync()["next_batch"]
    assert {each["id"]: each["state"] for each in alice.get(ALERTS)["alerts"]}[name] == "cancelled"
    install(tower.url, keys.end(stolen.id, 1, now_ms() - HOUR_MS, ROOT.sign_bytes))
    found = news(alice, since)
    assert (found[name]["state"], found[lie]["state"]) == ("standing", "refused")


def test_a_brief_comes_before_its_alert(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    _, officer = mayor
    alice = person("alice")
    handed = officer.alert()
    payload = brief.payload(handed["content"])
    raw = brief.encode(payload, officer.id, brief.sign(payload, officer.key.sign_bytes))
    since = alice.sync()["next_batch"]
    answer = alice.post(ALERTS, body={"brief": unpadded_base64(raw)})
    shown = news(alice, since)[answer["id"]]
    assert (shown["brief"], shown["state"], shown["signed_by"]) == (True, "standing", [officer.name])
    assert shown["content"]["event"] == "산불"
    whole = alice.post(ALERTS, body=handed)["id"]
    assert whole.startswith(answer["id"])
    ids = {each["id"] for each in alice.get(ALERTS)["alerts"]}
    assert whole in ids
    assert answer["id"] not in ids
    alice.refused(400, "M_INVALID_PARAM", "POST", ALERTS, body={"brief": unpadded_base64(raw[:-1])})
    forged = brief.encode(payload, officer.id, bytes(64))
    alice.refused(403, "M_FORBIDDEN", "POST", ALERTS, body={"brief": unpadded_base64(forged)})


def test_a_preview_shows_what_is_to_be_signed(mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    content = officer.alert(areas=["nowhere"])["content"]
    del content["texts"]["en"]
    shown = user.post(ALERTS, "preview", body={"content": content})
    assert shown["sign"] == unpadded_base64(signed.message(signed.ALERT, content))
    assert shown["brief"]["sign"] == unpadded_base64(brief.DOMAIN + brief.payload(content))
    assert shown["brief"]["bytes"] <= 200
    assert shown["cell_broadcast"]["90"].startswith("[훈련]")
    assert {each["errcode"] for each in shown["warnings"]} == {
        "KR_BONGSU_NO_ENGLISH",
        "KR_BONGSU_NOBODY_THERE",
    }


def test_odd_alerts(mayor: tuple[User, Officer]) -> None:
    user, officer = mayor
    for changed, errcode in (
        ({"status": "Joke"}, "M_INVALID_PARAM"),
        ({"texts": {"fr": {"headline": "feu"}}}, "M_INVALID_PARAM"),
        ({"texts": {"ko": {"headline": ""}}}, "M_INVALID_PARAM"),
        ({"areas": ["b", "a"]}, "M_INVALID_PARAM"),
        ({"areas": ["a b"]}, "M_INVALID_PARAM"),
        ({"expires": now_ms() + 8 * DAY_MS}, "M_INVALID_PARAM"),
        ({"sent": now_ms() + HOUR_MS}, "M_INVALID_PARAM"),
        ({"sent": now_ms() - 2 * HOUR_MS, "expires": now_ms() - HOUR_MS}, "M_INVALID_PARAM"),
        ({"sent": "now"}, "M_INVALID_PARAM"),
        ({"siren": True}, "M_INVALID_PARAM"),
        ({"references": ["0" * 32]}, "M_INVALID_PARAM"),
        ({"msg_type": "Cancel"}, "M_INVALID_PARAM"),
    ):
        handed = officer.alert()
        handed["content"].update(changed)
        handed["signatures"] = {officer.id: officer.sign(signed.ALERT, handed["content"])}
        user.refused(400, errcode, "POST", ALERTS, body=handed)
    long = officer.alert()
    long["content"]["texts"]["ko"]["headline"] = "가" * 1_000
    user.refused(413, "M_TOO_LARGE", "POST", ALERTS, body=long)
    for signatures in (None, {}, [], {"x": "y"}, {officer.id: "y"}, {officer.id: 5}):
        user.refused(
            400, "M_INVALID_PARAM", "POST", ALERTS, body={**officer.alert(), "signatures": signatures}
        )


def test_an_alert_is_pushed(tmp_path: Path) -> None:
    settings = tmp_path / "bongsu.toml"
    settings.write_text("push_allow_private = true\n", encoding="utf-8")
    server = rooted_server(tmp_path / "node", "--config", str(settings))
    server.start()
    gateway = Gateway()
    try:
        with http_client(server.url) as http:
            alice, bob = User(http, "alice"), User(http, "bob")
            for user, form in ((alice, {"format": "event_id_only"}), (bob, {})):
                user.register()
                body = pusher(gateway.url, user.name, data={"url": gateway.url, **form})
                user.post("pushers/set", body=body)
            officer = Officer()
            install(server.url, officer.statement())
            handed = officer.alert()
            name = alice.post(ALERTS, body=handed)["id"]
            told = {each["devices"][0]["pushkey"]: each for each in gateway.wait(2)}
            for each in told.values():
                assert (each["event_id"], each["type"], each["prio"]) == (name, "kr.bongsu.alert", "high")
            assert "content" not in told["alice"]
            said = told["bob"]["content"]
            assert said["headline"]["ko"] == handed["content"]["texts"]["ko"]["headline"]
            assert (said["status"], said["severity"]) == ("Exercise", "Extreme")
            # An area where only somebody else lives; then everywhere.
            bob.put("/_bongsu/client/v1/area", body={"area": "okgye"})
            second = bob.post(ALERTS, body=officer.alert(areas=["okgye"]))["id"]
            assert [each["event_id"] for each in gateway.wait(3)[2:]] == [second]
            third = bob.post(ALERTS, body=officer.alert(event="지진"))["id"]
            assert [each["event_id"] for each in gateway.wait(5)[3:]] == [third, third]
        server.stop()
    finally:
        gateway.close()
        server.kill()


def test_an_alert_is_pushed_to_a_browser(tmp_path: Path) -> None:
    settings = tmp_path / "bongsu.toml"
    settings.write_text("push_allow_private = true\n", encoding="utf-8")
    server = rooted_server(tmp_path / "node", "--config", str(settings))
    server.start()
    browser = PushService()
    try:
        with http_client(server.url) as http:
            alice = User(http, "alice")
            alice.register()
            alice.post("pushers/set", body=browsers_pusher(browser, key_of(alice)))
            officer = Officer()
            install(server.url, officer.statement())
            handed = officer.alert()
            name = alice.post(ALERTS, body=handed)["id"]
            (told,) = browser.wait(1)
            assert (told["event_id"], told["type"], told["prio"]) == (name, "kr.bongsu.alert", "high")
            assert told["content"]["headline"]["ko"] == handed["content"]["texts"]["ko"]["headline"]
        server.stop()
    finally:
        browser.close()
        server.kill()
