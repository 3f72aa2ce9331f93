"""The picture for the tower: every fact with as of when it is known, live, and for nobody else."""

import threading
from collections.abc import Callable
from typing import Any

from bongsu import __version__
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
    # What `bongsu doctor` finds wrong with this machine, and nothing else: it has no backup, for one.
    known = {each["name"].partition(" ")[0] for each in site["status"]["problems"]}
    assert known <= {"backup", "setting", "disk-slow", "mode", "disk"}
    assert "backup" in known
    assert all(each["ko"] and each["en"] and each["since_ms"] for each in site["status"]["problems"])
    assert site["status"]["figures"]["requests"] >= 0
    assert site["status"]["figures"]["release"] == __version__
    alert = next(each for each in seen["alerts"] if each["id"] == name)
    assert alert["areas"]["gangneung"]["confirmed"] == 1
    assert next(each for each in seen["calls"] if each["id"] == call)["areas"]["gangneung"]["help"] >= 1
    assert seen["help"][0] == {
        "user_id": alice.user_id,
        "answer": "help",
        "where": "옥상",
        "request": call,
        "exercise": True,
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


def test_commanders_put_sites_on_the_map(mayor: tuple[User, Officer], person: Callable[[str], User]) -> None:
    user, alice = mayor[0], person("alice")
    path = f"{BASE}/tower/places"
    alice.refused(403, "M_FORBIDDEN", "PUT", path, "gangneung", body={"at": [37.75, 128.9]})
    user.refused(404, "M_NOT_FOUND", "PUT", path, "nowhere", body={"at": [37.75, 128.9]})
    for wrong in ([91, 0], [1], "here", [True, 1], [37.5, None]):
        user.refused(400, "M_INVALID_PARAM", "PUT", path, "gangneung", body={"at": wrong})
    user.put(path, "gangneung", body={"at": [37.7519, 128.8761]})
    assert user.get(f"{BASE}/tower/picture")["sites"][0]["place"] == [37.7519, 128.8761]
    user.put(path, "gangneung", body={"at": None})
    assert user.get(f"{BASE}/tower/picture")["sites"][0]["place"] is None


def test_a_site_means_all_its_people_and_a_district_those_who_chose_it(
    mayor: tuple[User, Officer], person: Callable[[str], User]
) -> None:
    user, officer = mayor
    alice = person("alice")
    alice.put(f"{BASE}/area", body={"area": "옥계면"})

    def reach(*areas: str) -> dict[str, Any]:
        content = officer.alert(areas=sorted(areas))["content"]
        found: dict[str, Any] = user.post(f"{BASE}/alerts/preview", body={"content": content})["reach"]
        return found

    district, site, both = reach("옥계면"), reach("gangneung"), reach("옥계면", "gangneung")
    assert district == {"people": 1, "areas": {"옥계면": 1}}
    assert site == {"people": reach()["people"], "areas": {"gangneung": site["people"]}}
    assert both["areas"] == {"gangneung": site["people"] - 1, "옥계면": 1}
    assert reach("nowhere") == {"people": 0, "areas": {}}
    name = user.post(f"{BASE}/alerts", body=officer.alert(areas=["gangneung"]))["id"]
    alice.put(f"{BASE}/alerts", name, "ack", body={"answer": "confirmed"})
    assert user.get(f"{BASE}/alerts", name, "acks")["areas"]["gangneung"]["confirmed"] == 1
