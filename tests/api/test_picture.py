"""The picture for the tower: every fact with as of when it is known, live, and for nobody else."""

import threading
from collections.abc import Callable
from typing import Any

from tests.api.client import User
from tests.helpers.tower import Officer

BASE = "/_bongsu/client/v1"


def test_the_picture(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, officer = mayor
    alice = person("alice")
    name = alice.post(f"{BASE}/alerts", body=officer.alert())["id"]
    call = alice.post(f"{BASE}/safety_calls", body=officer.call())["id"]
    alice.put(f"{BASE}/alerts", name, "ack", body={"answer": "confirmed"})
    alice.post(f"{BASE}/check_ins", body={"answer": "help", "where": "옥상", "request": call})
    seen = user.get(f"{BASE}/tower/picture")
    (site,) = seen["sites"]
    assert (site["site"], site["role"], site["this"], site["linked"]) == ("gangneung", "core", True, True)
    assert site["status"]["at"] <= seen["as_of"]
    assert site["status"]["problems"] == []
    alert = next(each for each in seen["alerts"] if each["id"] == name)
    assert alert["areas"]["gangneung"]["confirmed"] == 1
    assert next(each for each in seen["calls"] if each["id"] == call)["areas"]["gangneung"]["help"] >= 1
    assert seen["help"][0] == {
        "user_id": alice.user_id,
        "answer": "help",
        "where": "옥상",
        "request": call,
        "ts": seen["help"][0]["ts"],
    }
    assert seen["people"]["gangneung"] >= 2
    alice.refused(403, "M_FORBIDDEN", "GET", f"{BASE}/tower/picture")


def test_it_waits_for_news(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, officer = mayor
    alice = person("alice")
    version = user.get(f"{BASE}/tower/picture")["version"]
    found: dict[str, Any] = {}

    def wait() -> None:
        found.update(user.get(f"{BASE}/tower/picture", since=version, timeout=30_000))

    waiting = threading.Thread(target=wait)
    waiting.start()
    name = alice.post(f"{BASE}/alerts", body=officer.alert())["id"]
    waiting.join()
    assert found["version"] != version
    assert name in {each["id"] for each in user.get(f"{BASE}/tower/picture")["alerts"]}
